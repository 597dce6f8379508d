/**
 * The roles' permissions. Every statement has its reason here and in the SAM template, and a gate compares the two.
 */

import { Aws, Fn } from 'aws-cdk-lib';
import { Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Warehouse } from './settings.js';

/** An allowing statement. */
export function allow(
  sid: string,
  actions: string[],
  resources: string[],
  conditions?: Record<string, Record<string, string>>,
): PolicyStatement {
  return new PolicyStatement({ sid, effect: Effect.ALLOW, actions, resources, ...(conditions && { conditions }) });
}

/** A denying statement. */
function deny(sid: string, actions: string[], resources: string[], conditions: Record<string, Record<string, string>>): PolicyStatement {
  return new PolicyStatement({ sid, effect: Effect.DENY, actions, resources, conditions });
}

/** A document of statements. */
export function document(statements: PolicyStatement[]): PolicyDocument {
  return new PolicyDocument({ statements });
}

const inRegion = { StringEquals: { 'aws:RequestedRegion': Aws.REGION } };
const ownStatements = { StringEquals: { 'redshift-data:statement-owner-iam-userid': '${aws:userid}' } };

function arn(service: string, resource: string): string {
  return `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
}

/** ARNs of what is inside an MSK cluster: they carry its name and id. */
export class KafkaArns {
  private readonly cluster: string;

  constructor(readonly clusterArn: string, readonly topicPrefix: string) {
    const parts = Fn.split('/', clusterArn);
    this.cluster = `${Fn.select(1, parts)}/${Fn.select(2, parts)}`;
  }

  /** Debezium's topics: the one of its prefix, which carries schema changes, and those of the tables. */
  topics(): string[] {
    return ['', '.*'].map((rest) => arn('kafka', `topic/${this.cluster}/${this.topicPrefix}${rest}`));
  }

  /** Consumer groups by the beginning of their names. */
  groups(prefix: string): string {
    return arn('kafka', `group/${this.cluster}/${prefix}*`);
  }
}

/** Run statements in the warehouse as the role's own database user. */
export function warehousePolicy(warehouse: Warehouse): PolicyDocument {
  const serverless = 'workgroup' in warehouse;
  return document([
    // Hand statements to this workgroup or cluster, and to no other.
    allow(
      'SubmitStatements',
      ['redshift-data:BatchExecuteStatement', 'redshift-data:ExecuteStatement'],
      [serverless ? warehouse.workgroupArn : arn('redshift', `cluster:${warehouse.cluster}`)],
    ),
    // These actions know no resource; the condition limits them to what the role's own sessions submitted.
    allow('FollowOwnStatements', ['redshift-data:DescribeStatement', 'redshift-data:GetStatementResult'], ['*'], ownStatements),
    // The Data API logs in with short-lived credentials of the role's database user. There is no password anywhere.
    serverless
      ? allow('LogInToWorkgroup', ['redshift-serverless:GetCredentials'], [warehouse.workgroupArn])
      : allow(
          'LogInToCluster',
          ['redshift:GetClusterCredentialsWithIAM'],
          [arn('redshift', `dbname:${warehouse.cluster}/${warehouse.database}`)],
        ),
  ]);
}

/** What a network interface is made of; limited to the VPC by a condition. */
export function networkResources(): string[] {
  return ['network-interface/*', 'security-group/*', 'subnet/*'].map((resource) => arn('ec2', resource));
}

/** How the mappings' consumer groups begin; the topic follows. */
export function consumerGroupPrefix(pipeline: string): string {
  return `redshift-cdc-${pipeline}-`;
}

const MANAGE_INTERFACES = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:UnassignPrivateIpAddresses',
];

/** What the consumer groups of all mappings begin with. */
export function mappingGroups(kafka: KafkaArns, pipeline: string): string {
  return `${consumerGroupPrefix(pipeline)}${kafka.topicPrefix}.`;
}

/** Attach functions and pollers to the VPC. */
export function networkPolicy(vpcId: string): PolicyDocument {
  return document([
    // Lambda makes and removes network interfaces with the function's role, a mapping's pollers with change-handler's.
    allow(
      'ManageNetworkInterfaces',
      MANAGE_INTERFACES,
      networkResources(),
      { ArnEqualsIfExists: { 'ec2:Vpc': arn('ec2', `vpc/${vpcId}`) } },
    ),
    // Lambda itself does so, before the code runs; the code may not. The key is there only in calls of a function's code.
    deny('NotFromFunctionCode', MANAGE_INTERFACES, networkResources(), {
      ArnLike: { 'lambda:SourceFunctionArn': arn('lambda', 'function:*') },
    }),
    // Descriptions know no resource. They change nothing and are limited to the region.
    allow(
      'DescribeNetwork',
      ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'],
      ['*'],
      inRegion,
    ),
  ]);
}

/** Find the brokers, log in, and see the pipeline's topics. */
export function brokerPolicy(kafka: KafkaArns): PolicyDocument {
  return document([
    // The action knows no resource; limited to the region.
    allow('AskForBrokers', ['kafka:GetBootstrapBrokers'], ['*'], inRegion),
    allow('ConnectToKafka', ['kafka-cluster:Connect'], [kafka.clusterArn]),
    // Partitions and end offsets. Reading is not included.
    allow('DescribeTopics', ['kafka-cluster:DescribeTopic'], kafka.topics()),
  ]);
}

/** Read the pipeline's topics. */
export function readTopics(kafka: KafkaArns): PolicyStatement {
  return allow('ReadTopics', ['kafka-cluster:ReadData'], kafka.topics());
}

/** What the pollers of the event source mappings need besides, with change-handler's role. */
export function pollers(kafka: KafkaArns, pipeline: string): PolicyStatement[] {
  return [
    // The mapping looks the cluster up.
    allow('DescribeCluster', ['kafka:DescribeClusterV2'], [kafka.clusterArn]),
    // The pollers ask for the cluster's limits before they read.
    allow('DescribeClusterConfiguration', ['kafka-cluster:DescribeClusterDynamicConfiguration'], [kafka.clusterArn]),
    readTopics(kafka),
    // They join the consumer groups that the mappings name: the pipeline's, for topics of the prefix.
    allow('UseConsumerGroups', ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], [kafka.groups(mappingGroups(kafka, pipeline))]),
  ];
}

/** Lambda writes failed batches with the function's role, into a bucket of this account: they hold row values. */
export function failureDestination(bucketArn: string): PolicyStatement[] {
  const ours = { StringEquals: { 'aws:ResourceAccount': Aws.ACCOUNT_ID } };
  return [
    allow('WriteFailedBatches', ['s3:PutObject'], [`${bucketArn}/*`], ours),
    allow('FindFailureDestination', ['s3:ListBucket'], [bucketArn], ours),
  ];
}

/** Provisioner cancels its own statement when time is up. */
export function cancelOwnStatements(): PolicyStatement {
  return allow('CancelOwnStatements', ['redshift-data:CancelStatement'], ['*'], ownStatements);
}
