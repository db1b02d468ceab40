{{- define "yuptime.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "yuptime.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "yuptime.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "yuptime.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "yuptime.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "yuptime.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "yuptime.selectorLabels" -}}
app.kubernetes.io/name: {{ include "yuptime.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "yuptime.labels" -}}
{{ include "yuptime.selectorLabels" . }}
app.kubernetes.io/part-of: yuptime
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* What schema and templates alone cannot refuse. */}}
{{- define "yuptime.check" -}}
{{- if and (gt (int .Values.replicas) 1) (ne .Values.storage.type "kubernetes") }}
{{- fail "replicas: more than one needs storage.type=kubernetes, since a database has one owner" }}
{{- end }}
{{- if and (eq .Values.secrets.mode "get") (not .Values.secrets.names) }}
{{- fail "secrets.names: secrets.mode=get needs the names of the Secrets that may be read" }}
{{- end }}
{{- end }}
