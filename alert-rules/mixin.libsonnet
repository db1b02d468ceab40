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
    // The label that tells clusters apart, if the rules are evaluated for several clusters at once.
    clusterLabel: '',
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
  local shipped = importstr 'yuptime.rules.yml',
  local edited(text, edit) = std.strReplace(
    text, edit[0], std.strReplace(edit[1], 'CLUSTER', $._config.clusterLabel)
  ),
  local rules =
    if $._config.clusterLabel == '' then shipped
    else std.foldl(edited, import 'cluster-label.json', shipped),
  prometheusAlerts+:: {
    groups+: [
      group { rules: std.map(withRunbook, group.rules) }
      for group in std.parseYaml(rules).groups
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
