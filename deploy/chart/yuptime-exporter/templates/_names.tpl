{{- /* Names of the exporter and of its objects. */}}

{{- define "yuptime.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimAll "-." }}
{{- end }}

{{- /*
The name of all objects. The name of a Service begins with a letter and has neither dots nor capitals;
a release's may begin with a digit and have dots, and the alias of a dependency is free. There is room
for the suffix -push in the 63 characters of a Service.
*/}}
{{- define "yuptime.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else }}
{{- $name := include "yuptime.name" . }}
{{- $fullname := .Release.Name }}
{{- if regexMatch "^[0-9]" .Release.Name }}
{{- $fullname = printf "%s-%s" $name .Release.Name }}
{{- else if not (contains $name .Release.Name) }}
{{- $fullname = printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- regexReplaceAll "[^a-z0-9]+" (lower $fullname) "-" | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /*
The name of one object. An object outside of the release's namespace has that namespace in its name, so
that releases of the same name in several namespaces do not share it.
  root; suffix, for example -push; namespace of the object, empty for an object of the whole cluster
*/}}
{{- define "yuptime.objectName" -}}
{{- include "yuptime.fullname" .root }}{{ .suffix }}
{{- if ne .namespace .root.Release.Namespace }}.{{ .root.Release.Namespace }}{{ end }}
{{- end }}

{{- define "yuptime.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "yuptime.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "yuptime.selectorLabels" -}}
app.kubernetes.io/name: {{ include "yuptime.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "yuptime.labels" -}}
{{ include "yuptime.selectorLabels" . }}
app.kubernetes.io/part-of: yuptime
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-._" | quote }}
{{- end }}

{{- /*
The metadata of an object. Labels of the values replace the chart's own.
  root; optional: suffix, namespace, cluster (true for an object of the whole cluster), labels,
  annotations
*/}}
{{- define "yuptime.metadata" -}}
{{- $namespace := "" }}
{{- if not .cluster }}
{{- $namespace = default .root.Release.Namespace .namespace }}
{{- end -}}
name: {{ include "yuptime.objectName" (dict "root" .root "suffix" (default "" .suffix) "namespace" $namespace) | quote }}
{{- with $namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- include "yuptime.replaced" (dict "own" (include "yuptime.labels" .root | fromYaml) "given" .labels) | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* A map in which entries of the values replace the chart's own. own; given */}}
{{- define "yuptime.replaced" -}}
{{- $replaced := .own }}
{{- range $key, $value := .given }}
{{- $_ := set $replaced $key $value }}
{{- end }}
{{- toYaml $replaced }}
{{- end }}

{{- /* A list in which entries of the values replace the chart's own of the same key. own; given; key */}}
{{- define "yuptime.replacedList" -}}
{{- $key := .key }}
{{- $taken := list }}
{{- range .given }}
{{- $taken = append $taken (get . $key) }}
{{- end }}
{{- $kept := list }}
{{- range .own }}
{{- if not (has (get . $key) $taken) }}
{{- $kept = append $kept . }}
{{- end }}
{{- end }}
{{- toYaml (concat $kept .given) }}
{{- end }}

{{- /* A map without its fields that are null. */}}
{{- define "yuptime.withoutNulls" -}}
{{- $kept := dict }}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{- $_ := set $kept $key $value }}
{{- end }}
{{- end }}
{{- toYaml $kept }}
{{- end }}
