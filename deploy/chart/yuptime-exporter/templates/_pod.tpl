{{- /* Parts of the pod that the values can extend or replace. */}}

{{- define "yuptime.image" -}}
{{- with .Values.image }}
{{- $tag := .tag | default (ternary "" $.Chart.AppVersion (ne .digest "")) }}
{{- .repository }}
{{- with $tag }}:{{ . }}{{ end }}
{{- with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- /* The Secrets of the chart and of global, each given as a name or as an object with a name. */}}
{{- define "yuptime.imagePullSecrets" -}}
{{- $shared := default list .Values.global.imagePullSecrets }}
{{- if kindIs "string" $shared }}
{{- $shared = list $shared }}
{{- end }}
{{- $names := list }}
{{- range concat .Values.imagePullSecrets $shared }}
{{- if kindIs "string" . }}
{{- $names = append $names . }}
{{- else }}
{{- $names = append $names .name }}
{{- end }}
{{- end }}
{{- range uniq $names }}
- name: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "yuptime.arguments" -}}
- --source.kubernetes
{{- if eq .Values.storage.type "sqlite" }}
- --storage.url=sqlite:/var/lib/yuptime/yuptime.db
{{- else }}
- "--storage.url=kubernetes:"
{{- end }}
- --config.file=/etc/yuptime/config.yaml
{{- if include "yuptime.webSecret" . }}
- --web.config.file=/etc/yuptime-web/web.yml
{{- end }}
- --web.listen-address=:10091
- --push.listen-address=:10092
{{- with .Values.externalUrl }}
- {{ printf "--web.external-url=%s" . | quote }}
- --web.route-prefix=/
{{- end }}
{{- with .Values.runbookUrl }}
- {{ . | replace "%s" "YuptimeMonitorDown" | printf "--alerting.runbook-url=%s" | quote }}
{{- end }}
{{- range .Values.namespaces }}
- {{ printf "--kubernetes.namespace=%s" . | quote }}
{{- end }}
{{- if eq .Values.secrets.mode "get" }}
- --kubernetes.secrets=get
{{- end }}
{{- if ne (include "yuptime.fullname" .) "yuptime-exporter" }}
- {{ printf "--kubernetes.lease=%s/%s" .Release.Namespace (include "yuptime.fullname" .) | quote }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{- define "yuptime.environment" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.namespace
{{- end }}

{{- define "yuptime.volumeMounts" -}}
- name: config
  mountPath: /etc/yuptime
  readOnly: true
{{- if .Values.configSecret }}
- name: config-secret
  mountPath: /etc/yuptime-secrets
  readOnly: true
{{- end }}
{{- if include "yuptime.webSecret" . }}
- name: web-config
  mountPath: /etc/yuptime-web
  readOnly: true
{{- end }}
{{- if .Values.webConfig.tlsSecretName }}
- name: tls
  mountPath: /etc/yuptime-tls
  readOnly: true
{{- end }}
{{- if eq .Values.storage.type "sqlite" }}
- name: data
  mountPath: /var/lib/yuptime
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "yuptime.volumes" -}}
- name: config
  configMap:
    name: {{ include "yuptime.fullname" . | printf "%s-config" | quote }}
{{- with .Values.configSecret }}
- name: config-secret
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- with include "yuptime.webSecret" . }}
- name: web-config
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- with .Values.webConfig.tlsSecretName }}
- name: tls
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- if eq .Values.storage.type "sqlite" }}
- name: data
  persistentVolumeClaim:
    claimName: {{ default (include "yuptime.fullname" .) .Values.storage.existingClaim | quote }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{- define "yuptime.podSecurityContext" -}}
{{- $context := .Values.podSecurityContext }}
{{- if .Values.openshift }}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}
{{- end }}
{{- include "yuptime.withoutNulls" $context }}
{{- end }}

{{- define "yuptime.topologySpreadConstraints" -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "yuptime.selectorLabels" $ | nindent 6 }}
{{- end }}
{{- end }}

{{- define "yuptime.podAntiAffinity" -}}
{{- if eq .Values.podAntiAffinity "hard" }}
requiredDuringSchedulingIgnoredDuringExecution:
  - topologyKey: kubernetes.io/hostname
    labelSelector:
      matchLabels:
        {{- include "yuptime.selectorLabels" . | nindent 8 }}
{{- else }}
preferredDuringSchedulingIgnoredDuringExecution:
  - weight: 100
    podAffinityTerm:
      topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "yuptime.selectorLabels" . | nindent 10 }}
{{- end }}
{{- end }}
