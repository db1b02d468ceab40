{{- /* TLS and users of the ports: the file of --web.config.file. */}}

{{- /* The Secret with the file; empty without one. */}}
{{- define "yuptime.webSecret" -}}
{{- with .Values.webConfig }}
{{- if .existingSecret }}
{{- .existingSecret }}
{{- else if or .config .tlsSecretName }}
{{- include "yuptime.fullname" $ | printf "%s-web-config" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The content of the chart's own file: that of the values, with the certificate of the Secret. */}}
{{- define "yuptime.webConfig" -}}
{{- $config := deepCopy .Values.webConfig.config }}
{{- if .Values.webConfig.tlsSecretName }}
{{- $tls := dict "cert_file" "/etc/yuptime-tls/tls.crt" "key_file" "/etc/yuptime-tls/tls.key" }}
{{- $_ := set $config "tls_server_config" (merge (default dict $config.tls_server_config) $tls) }}
{{- end }}
{{- include "yuptime.withoutNulls" $config }}
{{- end }}

{{- define "yuptime.scheme" -}}
{{- if or .Values.webConfig.tlsSecretName .Values.webConfig.config.tls_server_config }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{- /* A probe of a path: on the port of pushes where the other one may ask for a certificate. */}}
{{- define "yuptime.httpGet" -}}
path: {{ .path }}
port: {{ ternary "http-push" "http-web" (ne (include "yuptime.webSecret" .root) "") }}
{{- if eq (include "yuptime.scheme" .root) "HTTPS" }}
scheme: HTTPS
{{- end }}
{{- end }}
