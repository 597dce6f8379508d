/** What a deployment can choose. The SAM template has the same parameters, with the same defaults. */

/** The warehouse: a Serverless workgroup, or a provisioned cluster. */
export type Warehouse =
  | { readonly database: string; readonly workgroup: string; readonly workgroupArn: string }
  | { readonly database: string; readonly cluster: string };

/** Properties of `RedshiftCdcPipeline`. */
export interface RedshiftCdcPipelineProps {
  /** The pipeline file. Its folder becomes a layer, with everything in it. */
  readonly pipelineFile: string;
  /** Where the functions find the file. Default: `/opt/` and its name. */
  readonly pipelineFileInFunction?: string;
  /** Topics that the file's patterns mean. Exact topics need not be repeated. */
  readonly topics?: readonly string[];
  /** The folder with the functions' packages (`infra/package`). */
  readonly packages: string;
  /** The architecture that they were built for. Default: arm64. */
  readonly architecture?: 'arm64' | 'x86_64';
  /** The functions' roles are `<prefix>-change-handler` and so on. Default: redshift-cdc. */
  readonly rolePrefix?: string;

  /** The MSK cluster, provisioned or Serverless, with IAM access control. Default: the file's. */
  readonly mskClusterArn?: string;
  /** The brokers' security group. It gains one rule, for the functions, on 9098. */
  readonly mskSecurityGroupId: string;
  /** The cluster's VPC. */
  readonly vpcId: string;
  /** Private subnets that reach the brokers and the AWS APIs. */
  readonly subnetIds: readonly string[];
  /** PEM file with the brokers' authority, in the layer's folder. Default: none, as Amazon MSK needs none. */
  readonly kafkaCaFile?: string;

  /** The warehouse. */
  readonly warehouse: Warehouse;
  /** The role with which Redshift reads the topics (`RedshiftAccess`), associated with the warehouse. */
  readonly redshiftRoleArn: string;
  /** What deleting the stack does to the warehouse. `destroy` drops data. Default: retain. */
  readonly onDelete?: 'retain' | 'destroy';

  /** How long a mapping gathers a batch, in seconds. Default: a twelfth of the table's `freshness_seconds` in the pipeline file; 5 without. */
  readonly batchingWindowSeconds?: number;
  /** Most records of one batch. Default: 5000. */
  readonly batchSize?: number;
  /** How often refresher runs, as a schedule expression. Default: as often as the strictest `freshness_seconds` needs; rate(5 minutes) without. */
  readonly refreshRate?: string;
  /** How often lag-monitor measures. Default: rate(1 minute). */
  readonly lagMonitorRate?: string;
  /** The freshness that you promise, in milliseconds. Default: 60000. */
  readonly behindAfterMs?: number;
  /** From when on a table without merges has stopped, in milliseconds. Default: 900000. */
  readonly stoppedAfterMs?: number;
  /** Landed records of one merge statement. Default: 100000. */
  readonly maxRowsPerMerge?: number;

  /** Provisioned pollers and partial batch responses, or neither. Default: true. */
  readonly provisionedMode?: boolean;
  /** Provisioned pollers of each mapping, at least. Default: 1. */
  readonly minimumPollers?: number;
  /** Provisioned pollers of each mapping, at most. Default: 4. */
  readonly maximumPollers?: number;
  /**
   * A bucket for batches that failed. Default: none, and that is the safe choice: with one, unlimited retries become
   * at most ten, so that a maintenance window of the warehouse moves a mapping past changes that are not merged yet.
   */
  readonly failureDestinationBucketArn?: string;

  /** How long logs are kept, in days. Default: 30. */
  readonly logRetentionDays?: number;
  /** KMS key for the log groups. Default: the service's own encryption. */
  readonly logKmsKeyArn?: string;
  /** SNS topic that alarms notify. Default: none. */
  readonly alarmTopicArn?: string;
  /** Whether to alarm on the quarantine and on records that Redshift cannot read, with Metrics Insights queries. Default: true. */
  readonly quarantineAlarm?: boolean;
  /** Whether provisioner runs one at a time. Default: true. */
  readonly reserveConcurrency?: boolean;
}
