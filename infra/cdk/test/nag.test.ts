/** cdk-nag's AWS Solutions and Serverless packs find nothing that is not acknowledged with a reason. */

import { Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { RedshiftAccess } from '../lib/redshift-access.js';
import { RedshiftCdcPipeline } from '../lib/redshift-cdc-pipeline.js';
import { CLUSTER, newApp, properties } from './fixture.js';

/** Synthesises with both packs, after whatever `spoil` does; fails with the findings. */
function synthesise(spoil: (pipeline: RedshiftCdcPipeline) => void = () => {}): void {
  const app = newApp();
  const stack = new Stack(app, 'Test');
  const pipeline = new RedshiftCdcPipeline(stack, 'Pipeline', { ...properties(), failureDestinationBucketArn: 'arn:aws:s3:::failed' });
  new RedshiftAccess(stack, 'Access', {
    mskClusterArn: CLUSTER,
    topicPrefix: 'shop',
    mskSecurityGroupId: 'sg-0bbbbbbbbbbbbbbbb',
    warehouseSecurityGroupId: 'sg-0aaaaaaaaaaaaaaaa',
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  spoil(pipeline);
  try {
    app.synth();
  } finally {
    // A finding also asks the process to fail; here the assertion decides.
    process.exitCode = undefined;
  }
}

it('finds nothing', () => {
  synthesise();
});

it('finds a new wildcard', () => {
  const grant = new PolicyStatement({ actions: ['s3:*'], resources: ['*'] });
  expect(() => synthesise((pipeline) => pipeline.changeHandler.role!.addToPrincipalPolicy(grant))).toThrow(/ChangeHandlerRole.*\n.*IAM5\[Action::s3:\*\]/);
});
