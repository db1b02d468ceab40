// The alert rules and the dashboards for Jsonnet
// (monitoring.mixins.dev).
// The recorded series is in the same group as the alert that reads it, so it comes with the alerts.
local project = 'https://github.com/yuptime/yuptime-exporter/blob/main/docs/runbooks/%s.md';
local addressed(pattern, alert) = std.strReplace(pattern, '%s', alert);
{
  _config+:: {
    // The address of the runbooks; %s stands for the name of the alert. Give the exporter the address
    // of YuptimeMonitorDown as --alerting.runbook-url, so that both paths name the same runbook.
    runbookURLPattern: project,
  },
  local withRunbook(rule) =
    if !std.objectHas(rule, 'alert') then rule
    else rule {
      annotations+: {
        runbook_url: std.strReplace(
          super.runbook_url,
          addressed(project, rule.alert),
          addressed($._config.runbookURLPattern, rule.alert),
        ),
      },
    },
  prometheusAlerts+:: {
    groups+: [
      group { rules: std.map(withRunbook, group.rules) }
      for group in std.parseYaml(importstr 'yuptime.rules.yml').groups
    ],
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
