/** Alarms and the dashboard of one pipeline. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Aws, Fn } from 'aws-cdk-lib';
import { CfnAlarm, CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnPermission, type CfnEventSourceMapping, type Function } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** The functions' own namespace. */
const NAMESPACE = 'redshift-cdc';
const DASHBOARD = fileURLToPath(new URL('../../dashboard.json', import.meta.url));

/** What is watched. */
export interface MonitoringProps {
  readonly pipeline: string;
  readonly functions: Readonly<Record<'ChangeHandler' | 'Refresher' | 'LagMonitor' | 'Provisioner', Function>>;
  /** Mappings by the number or name in their id. */
  readonly mappings: ReadonlyMap<string, CfnEventSourceMapping>;
  readonly deadLetters: Queue;
  readonly workgroup: string;
  readonly provisionedMode: boolean;
  readonly failureDestination: boolean;
  readonly quarantineAlarm: boolean;
  readonly alarmTopicArn: string | undefined;
}

interface Watch {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Maximum' | 'Minimum' | 'Sum';
  /** Of five minutes each. Default: 1. */
  readonly periods?: number;
  /** Whether silence is an alarm. Default: false. */
  readonly silenceBreaches?: boolean;
}

/** Creates alarms and dashboard in `scope`. */
export function monitor(scope: Construct, props: MonitoringProps): void {
  const { pipeline, functions } = props;
  const actions = props.alarmTopicArn ? { alarmActions: [props.alarmTopicArn], okActions: [props.alarmTopicArn] } : {};
  const alarm = (id: string, alarmDescription: string, watch: Watch): void => {
    new CfnAlarm(scope, `${id}Alarm`, {
      alarmDescription,
      namespace: watch.namespace,
      metricName: watch.metricName,
      dimensions: Object.entries(watch.dimensions).map(([name, value]) => ({ name, value })),
      statistic: watch.statistic,
      period: 300,
      evaluationPeriods: watch.periods ?? 1,
      threshold: 0,
      comparisonOperator: 'GreaterThanThreshold',
      treatMissingData: watch.silenceBreaches ? 'breaching' : 'notBreaching',
      ...actions,
    });
  };
  const own = (fn: string, metricName: string, statistic: Watch['statistic']) => ({
    namespace: NAMESPACE,
    metricName,
    dimensions: { pipeline, function: fn },
    statistic,
  });

  // Missing data of lag-monitor breaches: a monitor that is silent is not a healthy pipeline.
  alarm('Behind', 'Freshness: a table has been behind for five minutes. Invoke lag-monitor and read its answer.', {
    ...own('lag-monitor', 'behind_tables', 'Minimum'),
    silenceBreaches: true,
  });
  alarm('Stopped', 'A watermark stands still although records are pending. Invoke lag-monitor; its answer has the next step.', {
    ...own('lag-monitor', 'stopped_tables', 'Maximum'),
    silenceBreaches: true,
  });
  alarm('Unknown', 'Nothing can be told of a table for 15 minutes: Kafka, the warehouse or a right is missing.', {
    ...own('lag-monitor', 'unknown_tables', 'Minimum'),
    periods: 3,
    silenceBreaches: true,
  });
  // The actions take the change in; without them the table would wait for a person. One alarm for each function that
  // merges: a table without a mapping waits in the refresher's merges only.
  const provisioner = functions.Provisioner;
  const acting = (id: string, alarmDescription: string, metricName: string, fn: string, treatMissingData: 'notBreaching' | 'ignore'): void => {
    const alarm = new CfnAlarm(scope, id, {
      alarmDescription,
      namespace: NAMESPACE,
      metricName,
      dimensions: [
        { name: 'pipeline', value: pipeline },
        { name: 'function', value: fn },
      ],
      statistic: 'Maximum',
      period: 60,
      evaluationPeriods: 1,
      threshold: 0,
      comparisonOperator: 'GreaterThanThreshold',
      treatMissingData,
      ...actions,
      alarmActions: [provisioner.functionArn, ...(props.alarmTopicArn ? [props.alarmTopicArn] : [])],
    });
    new CfnPermission(scope, `${id}Permission`, {
      action: 'lambda:InvokeFunction',
      functionName: provisioner.functionName,
      principal: 'lambda.alarms.cloudwatch.amazonaws.com',
      sourceAccount: Aws.ACCOUNT_ID,
      sourceArn: alarm.attrArn,
    });
  };
  const held =
    'A source table changed and its records wait. The provisioner takes the change in; if this stays, read its log and cdc.holds.';
  acting('HeldAlarm', held, 'held_rows', 'change-handler', 'notBreaching');
  // Between two ticks nothing is known; the last tick's answer holds.
  acting('RefresherHeldAlarm', held, 'held_rows', 'refresher', 'ignore');
  // A pattern's new topic. It is looked for again after 1, 2, 4 … 60 minutes, and each time asks anew.
  acting(
    'UnprovisionedAlarm',
    'A topic has records and the warehouse has no table for it. The provisioner makes it; if this comes again, invoke it with action plan and read what the topic waits for.',
    'unprovisioned_tables',
    'refresher',
    'ignore',
  );
  alarm(
    'UnknownTopic',
    'Records of a topic that the pipeline file does not mention. They are never acknowledged: add the topic, or exclude it.',
    own('change-handler', 'unknown_topic_records', 'Sum'),
  );
  alarm('TopicRecreated', 'A topic counts its offsets from zero again. Destroy and apply its table.', own('change-handler', 'topic_recreated_records', 'Sum'));
  alarm(
    'LostRecords',
    'The warehouse passed records without having them. change-handler never acknowledges them; see cdc.gaps.',
    own('change-handler', 'lost_records', 'Sum'),
  );
  // Queries over all tables; lag-monitor counts both, with and without a mapping.
  const query = (id: string, metric: string, queryId: string, alarmDescription: string): void => {
    new CfnAlarm(scope, `${id}Alarm`, {
      alarmDescription,
      metrics: [
        {
          id: queryId,
          expression: `SELECT MAX(${metric}) FROM SCHEMA("${NAMESPACE}", "function", "pipeline", "table") WHERE "pipeline" = '${pipeline}'`,
          period: 300,
          returnData: true,
        },
      ],
      evaluationPeriods: 1,
      threshold: 0,
      comparisonOperator: 'GreaterThanThreshold',
      treatMissingData: 'notBreaching',
      ...actions,
    });
  };
  if (props.quarantineAlarm) {
    query(
      'QuarantineNotEmpty',
      'quarantined_records',
      'quarantined',
      'Records or values went to quarantine in the last day. SELECT * FROM cdc.quarantine has the reasons.',
    );
    query(
      'ScanError',
      'scan_error_records',
      'scanerrors',
      'Redshift could not read records of the last day from Kafka; they never land. Invoke lag-monitor; its answer has the table and the next step.',
    );
  }
  for (const [id, fn] of Object.entries(functions)) {
    alarm(`${id}Error`, `${kebab(id)} failed. Its log names the object and the next step.`, {
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensions: { FunctionName: fn.functionName },
      statistic: 'Sum',
    });
  }
  alarm('DeadLetter', 'Scheduler could not deliver ticks. The queue has them with the reason.', {
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensions: { QueueName: props.deadLetters.queueName },
    statistic: 'Maximum',
  });
  // Mappings publish these metrics in provisioned mode only.
  for (const [id, mapping] of props.provisionedMode ? props.mappings : []) {
    const dimensions = { EventSourceMappingUUID: mapping.ref };
    alarm(`PollerError${id}`, "The mapping's pollers cannot read the topic (network, rights, topic). Records wait in Kafka.", {
      namespace: 'AWS/Lambda',
      metricName: 'PollingErrorCount',
      dimensions,
      statistic: 'Sum',
      periods: 3,
    });
    if (props.failureDestination) {
      alarm(`FailureDestination${id}`, 'Failed batches left the mapping for the failure destination. Invoke the refresher, then compare.', {
        namespace: 'AWS/Lambda',
        metricName: 'OnFailureDestinationDeliveredEventCount',
        dimensions,
        statistic: 'Sum',
      });
    }
  }
  new CfnDashboard(scope, 'Dashboard', {
    dashboardName: `redshift-cdc-${pipeline}`,
    dashboardBody: Fn.sub(readFileSync(DASHBOARD, 'utf8'), {
      PipelineName: pipeline,
      WarehouseWorkgroup: props.workgroup,
      ...Object.fromEntries(Object.entries(functions).map(([id, fn]) => [id, fn.functionName])),
    }),
  });
}

function kebab(id: string): string {
  return id.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
