/** A deployment with packages that hold nothing. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll } from 'vitest';
import { RedshiftCdcPipeline } from '../lib/redshift-cdc-pipeline.js';
import type { RedshiftCdcPipelineProps } from '../lib/settings.js';

export const CLUSTER = 'arn:aws:kafka:us-east-1:123456789012:cluster/sales/00000000-0000-4000-8000-000000000000-1';

const folder = mkdtempSync(join(tmpdir(), 'redshift-cdc-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const fn of ['change-handler', 'refresher', 'lag-monitor', 'provisioner']) {
  // An empty ZIP archive: the end-of-central-directory record alone.
  writeFileSync(join(folder, `${fn}.zip`), Buffer.concat([Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]));
}

/** Writes a pipeline file into a folder of its own. */
export function pipelineFile(tables: string, users = true): string {
  const own = mkdtempSync(join(folder, 'pipeline-'));
  const path = join(own, 'pipeline.yaml');
  const grants = `warehouse:
  users:
    change_handler: "IAMR:redshift-cdc-change-handler"
    refresher: "IAMR:redshift-cdc-refresher"
    lag_monitor: "IAMR:redshift-cdc-lag-monitor"
`;
  writeFileSync(path, `version: 1\nname: shop\nsource: {topic_prefix: shop}\n${users ? grants : ''}tables:\n${tables}`);
  return path;
}

/** Properties for two exact topics. */
export function properties(): RedshiftCdcPipelineProps {
  return {
    pipelineFile: pipelineFile('  - topic: shop.shop.ITEM\n  - topic: shop.shop.BASKET\n'),
    packages: folder,
    mskClusterArn: CLUSTER,
    mskSecurityGroupId: 'sg-0bbbbbbbbbbbbbbbb',
    vpcId: 'vpc-0cccccccccccccccc',
    subnetIds: ['subnet-0ddddddddddddddd1'],
    warehouse: {
      database: 'dev',
      workgroup: 'sales',
      workgroupArn: 'arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/00000000-0000-4000-8000-000000000001',
    },
    redshiftRoleArn: 'arn:aws:iam::123456789012:role/redshift-cdc-streaming',
  };
}

/** An app whose output does not outlive the tests. */
export function newApp(): App {
  return new App({ outdir: mkdtempSync(join(folder, 'cdk.out-')) });
}

/** A stack with one pipeline. */
export function deploy(change: Partial<RedshiftCdcPipelineProps> = {}): { app: App; stack: Stack; pipeline: RedshiftCdcPipeline } {
  const app = newApp();
  const stack = new Stack(app, 'Test');
  return { app, stack, pipeline: new RedshiftCdcPipeline(stack, 'Pipeline', { ...properties(), ...change }) };
}
