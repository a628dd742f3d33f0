{{/* The names of everything begin with this. The longest end is -authorization-migrate (22). */}}
{{- define "jmap-layers.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Of one part: (dict "root" $ "part" "authorization"). */}}
{{- define "jmap-layers.name" -}}
{{ include "jmap-layers.fullname" .root }}-{{ .part }}
{{- end -}}

{{- define "jmap-layers.selectorLabels" -}}
app.kubernetes.io/name: {{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "jmap-layers.labels" -}}
{{ include "jmap-layers.selectorLabels" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* Of authorization, as a URL inside the cluster; the same for layer-data with its port. */}}
{{- define "jmap-layers.authorizationAddress" -}}
http://{{ include "jmap-layers.name" (dict "root" . "part" "authorization") }}.{{ .Release.Namespace }}:50051
{{- end -}}

{{- define "jmap-layers.layerDataAddress" -}}
http://{{ include "jmap-layers.name" (dict "root" . "part" "layer-data") }}.{{ .Release.Namespace }}:50052
{{- end -}}

{{/* What every pod has: (dict "root" $ "values" .Values.authorization "name" "..."). */}}
{{- define "jmap-layers.pod" -}}
serviceAccountName: {{ .name }}
# The services do not speak to Kubernetes.
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What every container has: (dict "root" $ "image" "..." "program" "authorization-server"). */}}
{{- define "jmap-layers.container" -}}
name: {{ .program }}
image: {{ .image | quote }}
imagePullPolicy: {{ .root.Values.imagePullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Ready while the health service says so. Alive while it answers HTTP: a lost database is no reason to start again,
because the service finds it again by itself. */}}
{{- define "jmap-layers.probes" -}}
startupProbe:
  grpc:
    port: {{ . }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 150
readinessProbe:
  grpc:
    port: {{ . }}
  periodSeconds: 5
  timeoutSeconds: 2
livenessProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{/* Where the database is: (dict "variable" "JMAP_DATABASE" "database" .Values.authorization.database). */}}
{{- define "jmap-layers.database" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .database.secret }}
      key: {{ .database.urlKey }}
{{- if .database.passwordKey }}
- name: JMAP_DATABASE_PASSWORD_FILE
  value: /run/secrets/jmap/database-password
{{- end }}
{{- end -}}

{{- define "jmap-layers.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* The files in /run/secrets/jmap; empty if there is none: (dict "root" $ "database" ... "files" (list (dict "secret"
"key" "path"))). */}}
{{- define "jmap-layers.secretFiles" -}}
{{- if .database.passwordKey }}
{{ include "jmap-layers.secretFile" (dict "secret" .database.secret "key" .database.passwordKey "path" "database-password") }}
{{- end }}
{{- range .files }}
{{ include "jmap-layers.secretFile" . }}
{{- end }}
{{- with .root.Values.databaseCa }}
{{- if .secret }}
{{ include "jmap-layers.secretFile" (dict "secret" .secret "key" .key "path" "database-ca.crt") }}
{{- else if .configMap }}
- configMap:
    name: {{ .configMap }}
    items:
      - key: {{ .key }}
        path: database-ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{- define "jmap-layers.secretFile" -}}
- secret:
    name: {{ .secret }}
    items:
      - key: {{ .key }}
        path: {{ .path }}
{{- end -}}

{{- define "jmap-layers.secretsMount" -}}
- name: secrets
  mountPath: /run/secrets/jmap
  readOnly: true
{{- end -}}

{{/* The volume of the files above. */}}
{{- define "jmap-layers.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end -}}

{{/* The database as the migration uses it: the service's own, unless another is given. */}}
{{- define "jmap-layers.migrationDatabase" -}}
{{- if .migration.secret }}{{ toYaml (pick .migration "secret" "urlKey" "passwordKey") }}{{ else }}{{ toYaml .database }}{{ end }}
{{- end -}}
