{{/* A claim that outlives the release: what people made in a workshop is not an installer's to throw away. */}}
{{- define "workshop.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  annotations: { helm.sh/resource-policy: keep }
spec:
  accessModes: [{{ .accessMode | default "ReadWriteOnce" }}]
  {{- with .storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: { requests: { storage: {{ .size }} } }
{{- end }}

{{/* What every container of ours may do on its node: nothing. */}}
{{- define "workshop.locked" -}}
{ allowPrivilegeEscalation: false, capabilities: { drop: [ALL] }, seccompProfile: { type: RuntimeDefault } }
{{- end }}
