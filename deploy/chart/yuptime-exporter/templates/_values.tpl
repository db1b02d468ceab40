{{- /*
Completes and checks the values; every template begins with this call. Values are missing because Helm
removes a value that is null, and because `helm upgrade --reuse-values` uses the values of the older
chart.
*/}}
{{- define "yuptime.values" -}}
{{- include "yuptime.complete" (dict "given" .Values "defaults" (.Files.Get "files/values.yaml" | fromYaml)) }}
{{- include "yuptime.check" . }}
{{- end }}

{{- /*
Gives missing values their default. The fields of a free-form block belong to the user: a missing field
was removed.
  given, which is changed; defaults
*/}}
{{- define "yuptime.complete" -}}
{{- $freeForm := list "config" "resources" "labels" "annotations" "podSecurityContext" "securityContext" }}
{{- $given := .given }}
{{- range $name, $default := .defaults }}
{{- $value := index $given $name }}
{{- if kindIs "invalid" $value }}
{{- $_ := set $given $name $default }}
{{- else if and (kindIs "map" $default) (not (has $name $freeForm)) }}
{{- include "yuptime.complete" (dict "given" $value "defaults" $default) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Refuses combinations of values, which a schema cannot compare. */}}
{{- define "yuptime.check" -}}
{{- if and (hasKey .Values "enabled") (not .Values.enabled) }}
{{- fail "enabled: false is for the condition of a dependency; the Chart.yaml of the parent chart lacks condition: yuptime-exporter.enabled" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (ne .Values.storage.type "kubernetes") }}
{{- fail "replicas: more than one needs storage.type=kubernetes, since a database has one owner" }}
{{- end }}
{{- if and (eq .Values.storage.type "sqlite") .Values.strategy (ne .Values.strategy.type "Recreate") }}
{{- fail "strategy: storage.type=sqlite needs Recreate, since a database has one owner" }}
{{- end }}
{{- if and (eq .Values.secrets.mode "get") (not .Values.secrets.names) }}
{{- fail "secrets.names: secrets.mode=get needs the names of the Secrets that may be read" }}
{{- end }}
{{- if and .Values.webConfig.config .Values.webConfig.existingSecret }}
{{- fail "webConfig: expected config or existingSecret, got both" }}
{{- end }}
{{- with .Values.serviceMonitor }}
{{- if and .interval .scrapeTimeout }}
{{- if gt (include "yuptime.milliseconds" .scrapeTimeout | int) (include "yuptime.milliseconds" .interval | int) }}
{{- fail (printf "serviceMonitor.scrapeTimeout: expected at most the interval of %s, got %s" .interval .scrapeTimeout) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A duration in the format of Prometheus, for example 1m30s. */}}
{{- define "yuptime.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- $total := 0 }}
{{- range regexFindAll "[0-9]+(ms|[smhdwy])" . -1 }}
{{- $number := regexFind "^[0-9]+" . }}
{{- $total = add $total (mul (int64 $number) (int64 (get $units (trimPrefix $number .)))) }}
{{- end }}
{{- $total }}
{{- end }}
