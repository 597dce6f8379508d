/** One pipeline: four functions, an event source mapping per topic, schedules, provisioning, alarms, dashboard. */

import { basename, dirname, join } from 'node:path';
import { CfnDeletionPolicy, CfnOutput, CustomResource, Duration, RemovalPolicy, type CfnResource } from 'aws-cdk-lib';
import { CfnSecurityGroup, CfnSecurityGroupIngress } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, Role, ServicePrincipal, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  CfnEventInvokeConfig,
  CfnEventSourceMapping,
  CfnFunction,
  Code,
  Function,
  LayerVersion,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge, REASONS, wildcard } from './acknowledgements.js';
import { monitor } from './monitoring.js';
import * as permissions from './permissions.js';
import { batchingWindow, PipelineFile, refreshRate } from './pipeline-file.js';
import type { RedshiftCdcPipelineProps } from './settings.js';

/** The brokers' port with TLS and IAM login. */
const BROKER_PORT = 9098;

interface FunctionOptions {
  readonly description: string;
  readonly memorySize?: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly statements?: PolicyStatement[];
  /** Policies of their own name beside `own`. */
  readonly morePolicies?: Readonly<Record<string, PolicyStatement[]>>;
  readonly inVpc?: boolean;
  readonly concurrency?: number;
}

/** A deployed pipeline. */
export class RedshiftCdcPipeline extends Construct {
  readonly changeHandler: Function;
  readonly refresher: Function;
  readonly lagMonitor: Function;
  readonly provisioner: Function;
  /** By topic. */
  readonly mappings = new Map<string, CfnEventSourceMapping>();
  readonly deadLetters: Queue;

  private readonly file: PipelineFile;
  private readonly layer: LayerVersion;
  private readonly functionSecurityGroup: CfnSecurityGroup;
  private readonly sharedPolicies: ManagedPolicy[];

  constructor(scope: Construct, id: string, private readonly props: RedshiftCdcPipelineProps) {
    super(scope, id);
    const rolePrefix = props.rolePrefix ?? 'redshift-cdc';
    this.file = new PipelineFile(props.pipelineFile);
    this.file.checkUsers(rolePrefix);
    const topics = this.file.topics(props.topics);
    const pipeline = this.file.name;
    const clusterArn = props.mskClusterArn ?? this.file.clusterArn;
    if (!clusterArn) {
      throw new Error(`${this.file.path}: the MSK cluster is not known; give mskClusterArn, or kafka.cluster_arn in the file`);
    }
    const kafka = new permissions.KafkaArns(clusterArn, this.file.topicPrefix);
    const provisioned = props.provisionedMode ?? true;

    this.layer = new LayerVersion(this, 'PipelineLayer', {
      description: `The pipeline file of ${pipeline}`,
      code: Code.fromAsset(dirname(props.pipelineFile)),
    });
    this.functionSecurityGroup = this.network();
    const ingress = new CfnSecurityGroupIngress(this, 'BrokersFromFunctions', {
      groupId: props.mskSecurityGroupId,
      sourceSecurityGroupId: this.functionSecurityGroup.attrGroupId,
      ipProtocol: 'tcp',
      fromPort: BROKER_PORT,
      toPort: BROKER_PORT,
      description: 'redshift-cdc functions (IAM login)',
    });
    this.sharedPolicies = [
      new ManagedPolicy(this, 'WarehousePolicy', {
        description: "Run statements in the pipeline's warehouse as the role's own database user.",
        document: permissions.warehousePolicy(props.warehouse),
      }),
      new ManagedPolicy(this, 'NetworkPolicy', {
        description: "What Lambda needs to attach functions and pollers to the MSK cluster's VPC.",
        document: permissions.networkPolicy(props.vpcId),
      }),
      new ManagedPolicy(this, 'BrokerPolicy', {
        description: "Find the brokers, log in with IAM and see the pipeline's topics.",
        document: permissions.brokerPolicy(kafka),
      }),
    ];

    const [warehousePolicy, networkPolicy, brokerPolicy] = this.sharedPolicies as [ManagedPolicy, ManagedPolicy, ManagedPolicy];
    acknowledge(warehousePolicy, [wildcard('*')], REASONS.ownStatements);
    acknowledge(networkPolicy, ['*', ...permissions.networkResources()].map(wildcard), REASONS.network);
    acknowledge(brokerPolicy, [wildcard('*')], REASONS.brokers);
    acknowledge(brokerPolicy, kafka.topics().map(wildcard), REASONS.topics);

    const kafkaSettings = { MSK_CLUSTER_ARN: clusterArn, KAFKA_CA_FILE: props.kafkaCaFile ?? '' };
    const mergeSettings = { MAX_ROWS_PER_MERGE: String(props.maxRowsPerMerge ?? 100_000) };
    this.changeHandler = this.fn('ChangeHandler', rolePrefix, 'Merges batches; its event source mappings poll with it.', {
      description: 'merges the changes of a Kafka batch into Redshift',
      timeoutSeconds: 300,
      // A mapping without provisioned mode takes a partial response for success.
      environment: { RESPONSE_MODE: provisioned ? 'partial' : 'whole', ...mergeSettings },
      statements: permissions.pollers(kafka, pipeline),
      morePolicies: props.failureDestinationBucketArn
        ? { 'failure-destination': permissions.failureDestination(props.failureDestinationBucketArn) }
        : {},
    });
    this.refresher = this.fn('Refresher', rolePrefix, 'Synchronises pending tables. Compares end offsets; reads no records.', {
      description: 'merges whatever has landed, on a schedule',
      timeoutSeconds: 300,
      environment: { ...kafkaSettings, ...mergeSettings },
      inVpc: true,
    });
    this.lagMonitor = this.fn('LagMonitor', rolePrefix, 'Measures lag.', {
      description: 'measures how far each table is behind, on a schedule',
      timeoutSeconds: 60,
      environment: {
        ...kafkaSettings,
        BEHIND_AFTER_MS: String(props.behindAfterMs ?? 60_000),
        STOPPED_AFTER_MS: String(props.stoppedAfterMs ?? 900_000),
      },
      // The oldest record above a watermark, for its age.
      statements: [permissions.readTopics(kafka)],
      inVpc: true,
    });
    this.provisioner = this.fn('Provisioner', rolePrefix, 'Creates and changes the warehouse objects.', {
      description: 'makes the warehouse have what the pipeline file declares',
      memorySize: 512,
      timeoutSeconds: 900,
      environment: { ...kafkaSettings, REDSHIFT_ROLE_ARN: props.redshiftRoleArn },
      // Columns are learnt from the schema-change topic and from the newest events.
      statements: [permissions.readTopics(kafka), permissions.cancelOwnStatements()],
      inVpc: true,
      ...((props.reserveConcurrency ?? true) && { concurrency: 1 }),
    });
    for (const fn of [this.changeHandler, this.lagMonitor, this.provisioner]) {
      acknowledge(fn.role!, kafka.topics().map(wildcard), REASONS.topics);
    }
    acknowledge(this.changeHandler.role!, [wildcard(kafka.groups(permissions.mappingGroups(kafka, pipeline)))], REASONS.topics);
    if (props.failureDestinationBucketArn) {
      acknowledge(this.changeHandler.role!, [wildcard(`${props.failureDestinationBucketArn}/*`)], REASONS.failureDestination);
    }
    acknowledge(this.provisioner.role!, [wildcard('*'), 'Serverless::Serverless-LambdaStarPermissions'], REASONS.ownStatements);

    // A new pipeline file is a new layer version, which makes CloudFormation send an update.
    const provisioning = new CustomResource(this, 'Provisioning', {
      resourceType: 'Custom::RedshiftCdcPipeline',
      serviceToken: this.provisioner.functionArn,
      serviceTimeout: Duration.seconds(930),
      removalPolicy: RemovalPolicy.DESTROY,
      properties: { OnDelete: props.onDelete ?? 'retain', PipelineLayer: this.layer.layerVersionArn },
    });
    provisioning.node.addDependency(ingress);
    const provisioningResource = provisioning.node.defaultChild as CfnResource;

    const byId = new Map<string, CfnEventSourceMapping>();
    for (const topic of topics) {
      const mapping = this.mapping(topic, clusterArn, provisioned);
      mapping.addResourceDependency(provisioningResource);
      this.mappings.set(topic, mapping);
      byId.set(`-${topic}`, mapping);
    }
    this.deadLetters = new Queue(this, 'ScheduleDeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.deadLetters, ['AwsSolutions::AwsSolutions-SQS3', 'Serverless::Serverless-SQSRedrivePolicy'], REASONS.deadLetters);
    this.schedules(provisioningResource);
    monitor(this, {
      pipeline,
      functions: { ChangeHandler: this.changeHandler, Refresher: this.refresher, LagMonitor: this.lagMonitor, Provisioner: this.provisioner },
      mappings: byId,
      deadLetters: this.deadLetters,
      workgroup: 'workgroup' in props.warehouse ? props.warehouse.workgroup : '',
      provisionedMode: provisioned,
      failureDestination: props.failureDestinationBucketArn !== undefined,
      quarantineAlarm: props.quarantineAlarm ?? true,
      alarmTopicArn: props.alarmTopicArn,
    });
    new CfnOutput(this, 'ProvisioningSteps', { value: provisioning.getAttString('Changed') });
    new CfnOutput(this, 'ProvisioningWaiting', { value: provisioning.getAttString('Waiting') });
    for (const [name, fn] of Object.entries({ ChangeHandler: this.changeHandler, Refresher: this.refresher, LagMonitor: this.lagMonitor, Provisioner: this.provisioner })) {
      new CfnOutput(this, `${name}Name`, { value: fn.functionName });
    }
  }

  /** Functions reach the brokers on 9098 and the AWS APIs on 443; nothing comes in. */
  private network(): CfnSecurityGroup {
    const { mskSecurityGroupId, vpcId } = this.props;
    return new CfnSecurityGroup(this, 'FunctionSecurityGroup', {
      groupDescription: `Functions of the redshift-cdc pipeline ${this.file.name}`,
      vpcId,
      securityGroupEgress: [
        {
          destinationSecurityGroupId: mskSecurityGroupId,
          ipProtocol: 'tcp',
          fromPort: BROKER_PORT,
          toPort: BROKER_PORT,
          description: 'Brokers (IAM login)',
        },
        { cidrIp: '0.0.0.0/0', ipProtocol: 'tcp', fromPort: 443, toPort: 443, description: 'AWS APIs over TLS' },
      ],
    });
  }

  private fn(id: string, rolePrefix: string, roleDescription: string, options: FunctionOptions): Function {
    const { props } = this;
    const name = id.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
    const { warehouse } = props;
    const logGroup = new LogGroup(this, `${id}Logs`, {
      logGroupName: `/redshift-cdc/${this.file.name}/${name}`,
      retention: props.logRetentionDays ?? 30,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(props.logKmsKeyArn && { encryptionKey: Key.fromKeyArn(this, `${id}LogKey`, props.logKmsKeyArn) }),
    });
    // A log group that is replaced, because the pipeline got another name, is kept until its retention is over.
    (logGroup.node.defaultChild as CfnLogGroup).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    const more = Object.entries(options.morePolicies ?? {}).map(([policy, statements]) => [policy, permissions.document(statements)]);
    const role = new Role(this, `${id}Role`, {
      roleName: `${rolePrefix}-${name}`,
      description: roleDescription,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: this.sharedPolicies,
      inlinePolicies: {
        own: permissions.document([
          permissions.allow('WriteOwnLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]),
          ...(options.statements ?? []),
        ]),
        ...Object.fromEntries(more),
      },
    });
    const fn = new Function(this, id, {
      description: `${this.file.name}: ${options.description}`,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: props.architecture === 'x86_64' ? Architecture.X86_64 : Architecture.ARM_64,
      handler: 'bootstrap',
      code: Code.fromAsset(join(props.packages, `${name}.zip`)),
      layers: [this.layer],
      role,
      memorySize: options.memorySize ?? 256,
      timeout: Duration.seconds(options.timeoutSeconds),
      loggingFormat: LoggingFormat.JSON,
      logGroup,
      environment: {
        PIPELINE_FILE: props.pipelineFileInFunction ?? `/opt/${basename(props.pipelineFile)}`,
        WAREHOUSE_DATABASE: warehouse.database,
        WAREHOUSE_WORKGROUP: 'workgroup' in warehouse ? warehouse.workgroup : '',
        WAREHOUSE_CLUSTER: 'cluster' in warehouse ? warehouse.cluster : '',
        ...options.environment,
      },
      ...(options.concurrency !== undefined && { reservedConcurrentExecutions: options.concurrency }),
    });
    acknowledge(fn, ['Serverless::Serverless-LambdaDLQ'], REASONS.functionDeadLetters);
    acknowledge(fn, ['Serverless::Serverless-LambdaTracing'], REASONS.tracing);
    if (options.inVpc) {
      (fn.node.defaultChild as CfnFunction).vpcConfig = {
        subnetIds: [...props.subnetIds],
        securityGroupIds: [this.functionSecurityGroup.attrGroupId],
      };
    }
    return fn;
  }

  /** Unlimited retries, and no failure destination unless one is asked for; see the property's text. */
  private mapping(topic: string, clusterArn: string, provisioned: boolean): CfnEventSourceMapping {
    const { props } = this;
    const mapping = new CfnEventSourceMapping(this, `Mapping-${topic}`, {
      functionName: this.changeHandler.functionName,
      eventSourceArn: clusterArn,
      topics: [topic],
      amazonManagedKafkaEventSourceConfig: { consumerGroupId: `${permissions.consumerGroupPrefix(this.file.name)}${topic}` },
      startingPosition: 'TRIM_HORIZON',
      batchSize: props.batchSize ?? 5_000,
      maximumBatchingWindowInSeconds: props.batchingWindowSeconds ?? batchingWindow(this.file.freshnessSeconds(topic)),
      ...(provisioned && {
        provisionedPollerConfig: {
          minimumPollers: props.minimumPollers ?? 1,
          maximumPollers: props.maximumPollers ?? 4,
          pollerGroupName: `redshift-cdc-${this.file.name}`,
        },
        functionResponseTypes: ['ReportBatchItemFailures'],
        maximumRetryAttempts: -1,
        metricsConfig: { metrics: ['EventCount', 'ErrorCount', 'KafkaMetrics'] },
      }),
      ...(props.failureDestinationBucketArn && {
        destinationConfig: { onFailure: { destination: props.failureDestinationBucketArn } },
      }),
    });
    acknowledge(mapping, ['Serverless::Serverless-LambdaEventSourceMappingDestination'], REASONS.mapping);
    return mapping;
  }

  /** A tick that cannot be delivered is tried again and then kept; one whose function failed is not repeated. */
  private schedules(provisioning: CfnResource): void {
    const role = new Role(this, 'ScheduleRole', {
      description: 'EventBridge Scheduler invokes refresher and lag-monitor with it.',
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.deadLetters.env.account } },
      }),
      inlinePolicies: {
        own: permissions.document([
          permissions.allow('InvokeScheduled', ['lambda:InvokeFunction'], [this.refresher.functionArn, this.lagMonitor.functionArn]),
          permissions.allow('KeepUndelivered', ['sqs:SendMessage'], [this.deadLetters.queueArn]),
        ]),
      },
    });
    const plan = [
      { id: 'Refresh', name: 'refresher', fn: this.refresher, rate: this.props.refreshRate ?? refreshRate([...this.mappings.keys()].map((topic) => this.file.freshnessSeconds(topic))) },
      { id: 'LagMonitor', name: 'lag-monitor', fn: this.lagMonitor, rate: this.props.lagMonitorRate ?? 'rate(1 minute)' },
    ];
    for (const { id, name, fn, rate } of plan) {
      const schedule = new CfnSchedule(this, `${id}Schedule`, {
        description: `redshift-cdc ${this.file.name}: ${name}`,
        scheduleExpression: rate,
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: fn.functionArn,
          roleArn: role.roleArn,
          input: '{}',
          retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: 300 },
          deadLetterConfig: { arn: this.deadLetters.queueArn },
        },
      });
      schedule.addResourceDependency(provisioning);
      const invocations = new CfnEventInvokeConfig(this, `${id === 'Refresh' ? 'Refresher' : id}Invocations`, {
        functionName: fn.functionName,
        qualifier: '$LATEST',
        maximumRetryAttempts: 0,
        maximumEventAgeInSeconds: 300,
      });
      acknowledge(invocations, ['Serverless::Serverless-LambdaAsyncFailureDestination'], REASONS.ticks);
    }
  }
}
