/**
 * Once per warehouse and MSK cluster: the role with which Redshift reads the topics, and the brokers' rules. A stack
 * of its own, because an administrator associates the role with the warehouse before the pipeline is deployed.
 */

import { CfnOutput } from 'aws-cdk-lib';
import { CfnSecurityGroupIngress } from 'aws-cdk-lib/aws-ec2';
import { CompositePrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge, REASONS, wildcard } from './acknowledgements.js';
import { allow, document, KafkaArns } from './permissions.js';

/** Properties of `RedshiftAccess`. */
export interface RedshiftAccessProps {
  readonly mskClusterArn: string;
  /** Debezium's topic.prefix: Redshift may read these topics only. */
  readonly topicPrefix: string;
  readonly mskSecurityGroupId: string;
  readonly warehouseSecurityGroupId: string;
  /** Default: redshift-cdc-streaming. */
  readonly redshiftRoleName?: string;
  /** Whether to admit the brokers' group to itself, for the mappings' pollers. Default: true. */
  readonly mappingIngress?: boolean;
}

/** The role and the rules. */
export class RedshiftAccess extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: RedshiftAccessProps) {
    super(scope, id);
    const kafka = new KafkaArns(props.mskClusterArn, props.topicPrefix);
    this.role = new Role(this, 'RedshiftStreamingRole', {
      roleName: props.redshiftRoleName ?? 'redshift-cdc-streaming',
      description: 'Redshift reads the topics of one prefix with this role.',
      assumedBy: new CompositePrincipal(
        new ServicePrincipal('redshift.amazonaws.com'),
        new ServicePrincipal('redshift-serverless.amazonaws.com'),
      ),
      inlinePolicies: {
        'read-topics': document([
          allow('ConnectToKafka', ['kafka-cluster:Connect'], [props.mskClusterArn]),
          allow('ReadTopics', ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'], kafka.topics()),
          // Redshift names its consumer groups itself and does not document how: every group of this cluster.
          allow('UseConsumerGroups', ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], [kafka.groups('')]),
        ]),
      },
    });
    acknowledge(this.role, [...kafka.topics(), kafka.groups('')].map(wildcard), REASONS.redshift);
    this.admit('BrokersFromWarehouse', props.mskSecurityGroupId, props.warehouseSecurityGroupId, 'Redshift reads the topics (IAM login)');
    if (props.mappingIngress ?? true) {
      this.admit('BrokersFromMappings', props.mskSecurityGroupId, props.mskSecurityGroupId, "Event source mappings poll from the brokers' own group (IAM login)");
    }
    new CfnOutput(this, 'RedshiftRoleArn', { value: this.role.roleArn });
  }

  /** 9098 is the brokers' port with TLS and IAM login, and the only one that is opened. */
  private admit(id: string, groupId: string, sourceSecurityGroupId: string, description: string): void {
    new CfnSecurityGroupIngress(this, id, { groupId, sourceSecurityGroupId, ipProtocol: 'tcp', fromPort: 9098, toPort: 9098, description });
  }
}
