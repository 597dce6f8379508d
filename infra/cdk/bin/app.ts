/** The app: `redshift-cdc-access`, once per warehouse, and `redshift-cdc-<pipeline>`. See ../README.md. */

import { App, Stack } from 'aws-cdk-lib';
import { readDeployment } from '../lib/deployment.js';
import { PipelineFile } from '../lib/pipeline-file.js';
import { RedshiftAccess } from '../lib/redshift-access.js';
import { RedshiftCdcPipeline } from '../lib/redshift-cdc-pipeline.js';

const app = new App();
const path = (app.node.tryGetContext('deployment') as string | undefined) ?? 'deployment.yaml';
const { access, pipeline } = readDeployment(path);
const file = new PipelineFile(pipeline.pipelineFile);
// CloudFormation hands them down to every resource; costs are told apart by them.
const tags = { application: 'redshift-cdc', pipeline: file.name };
if (access) {
  const mskClusterArn = pipeline.mskClusterArn ?? file.clusterArn;
  if (!mskClusterArn) {
    throw new Error(`${path}: the MSK cluster is not known; give pipeline.mskClusterArn, or kafka.cluster_arn in ${file.path}`);
  }
  const stack = new Stack(app, 'redshift-cdc-access', { description: 'redshift-cdc: the role and rules for Redshift', tags });
  new RedshiftAccess(stack, 'Access', { ...access, mskClusterArn, topicPrefix: file.topicPrefix, mskSecurityGroupId: pipeline.mskSecurityGroupId });
}
const stack = new Stack(app, `redshift-cdc-${file.name}`, { description: `redshift-cdc: pipeline ${file.name}`, tags });
new RedshiftCdcPipeline(stack, 'Pipeline', pipeline);
