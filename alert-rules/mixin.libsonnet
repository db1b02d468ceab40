// The alert rules for those who compose their monitoring with Jsonnet (monitoring.mixins.dev).
// The recorded series is in the same group as the alert that reads it, so it comes with the alerts.
{
  prometheusAlerts+:: {
    groups+: std.parseYaml(importstr 'yuptime.rules.yml').groups,
  },
  prometheusRules+:: {
    groups+: [],
  },
}
