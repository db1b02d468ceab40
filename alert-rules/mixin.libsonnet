// The alert rules and the dashboards for Jsonnet
// (monitoring.mixins.dev).
// The recorded series is in the same group as the alert that reads it, so it comes with the alerts.
{
  prometheusAlerts+:: {
    groups+: std.parseYaml(importstr 'yuptime.rules.yml').groups,
  },
  prometheusRules+:: {
    groups+: [],
  },
  grafanaDashboards+:: {
    'yuptime-overview.json': import '../dashboards/yuptime-overview.json',
    'yuptime-monitor.json': import '../dashboards/yuptime-monitor.json',
    'yuptime-exporter.json': import '../dashboards/yuptime-exporter.json',
  },
}
