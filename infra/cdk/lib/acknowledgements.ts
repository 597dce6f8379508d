/**
 * What cdk-nag's AWS Solutions and Serverless packs would say of the construct, and why it is right as it is. Whoever
 * uses the construct in an app with cdk-nag finds these acknowledged.
 */

import { Aws, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** The finding that a statement has this resource, with a wildcard in it. Another wildcard is another finding. */
export function wildcard(resource: string): string {
  const readable = resource
    .replace(Aws.PARTITION, '<AWS::Partition>')
    .replace(Aws.REGION, '<AWS::Region>')
    .replace(Aws.ACCOUNT_ID, '<AWS::AccountId>');
  return `AwsSolutions::AwsSolutions-IAM5[Resource::${readable}]`;
}

/** Why findings do not apply. */
export const REASONS = {
  ownStatements:
    'Following and cancelling statements know no resource type; the condition statement-owner-iam-userid limits them to the own sessions.',
  network: 'Lambda needs these for network interfaces; the conditions limit changes to the one VPC and descriptions to the region.',
  brokers: 'kafka:GetBootstrapBrokers knows no resource type and is limited to the region.',
  topics: 'Topics and groups are those of one cluster and one prefix.',
  failureDestination: 'The objects of the one bucket that the deployer named; Lambda chooses their keys.',
  redshift: 'Redshift names its consumer groups itself and does not document how; topics are those of one prefix, groups those of one cluster.',
  deadLetters: 'This is the dead-letter queue.',
  functionDeadLetters:
    "Mappings retry for ever, CloudFormation waits for its answer, and a lost tick is followed by the next. Scheduler's own queue keeps ticks that it cannot deliver.",
  mapping:
    'A failure destination turns unlimited retries into at most ten, and a maintenance window of the warehouse would leave changes behind. Poison records go to the quarantine.',
  ticks: 'A tick whose function failed is followed by the next, which does the same; the Errors alarm tells.',
  tracing: 'The functions send no traces; the permission for it would know no resource.',
} as const;

/** Acknowledges rules on one construct. */
export function acknowledge(construct: Construct, rules: readonly string[], reason: string): void {
  Validations.of(construct).acknowledge(...rules.map((id) => ({ id, reason })));
}
