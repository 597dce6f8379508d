/** What the parity gate cannot see: many topics, and what is refused. */

import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { batchingWindow, matches, PipelineFile, refreshRate } from '../lib/pipeline-file.js';
import { deploy, pipelineFile } from './fixture.js';

describe('mappings', () => {
  it('are one per topic, share a poller group and keep their ids when the order changes', () => {
    const many = Array.from({ length: 40 }, (_, index) => `  - topic: shop.shop.T${index}\n`);
    const logical = (tables: string[]) => {
      const template = Template.fromStack(deploy({ pipelineFile: pipelineFile(tables.join('')) }).stack);
      const found = template.findResources('AWS::Lambda::EventSourceMapping');
      return new Map(Object.entries(found).map(([id, mapping]) => [mapping['Properties'].Topics[0] as string, { id, mapping }]));
    };
    const first = logical(many);
    const second = logical([...many].reverse());
    expect(first.size).toBe(40);
    for (const [topic, { id, mapping }] of first) {
      expect(second.get(topic)?.id).toBe(id);
      expect(mapping['Properties'].ProvisionedPollerConfig.PollerGroupName).toBe('redshift-cdc-shop');
      expect(mapping['Properties'].DestinationConfig).toBeUndefined();
    }
  });

  it('take a failure destination only when one is given, and then the role may write it', () => {
    const bucket = 'arn:aws:s3:::failed';
    const template = Template.fromStack(deploy({ failureDestinationBucketArn: bucket }).stack);
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', { DestinationConfig: { OnFailure: { Destination: bucket } } });
    template.hasResourceProperties('AWS::IAM::Role', {
      RoleName: 'redshift-cdc-change-handler',
      Policies: Match.arrayWith([Match.objectLike({ PolicyName: 'failure-destination' })]),
    });
  });

  it('without provisioned mode ask for whole batches', () => {
    const template = Template.fromStack(deploy({ provisionedMode: false }).stack);
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', { FunctionResponseTypes: Match.absent(), ProvisionedPollerConfig: Match.absent() });
    template.hasResourceProperties('AWS::Lambda::Function', { Environment: { Variables: Match.objectLike({ RESPONSE_MODE: 'whole' }) } });
  });
});

describe('the pipeline file', () => {
  it('is refused when users are not the roles', () => {
    const path = pipelineFile('  - topic: shop.shop.ITEM\n', false);
    expect(() => deploy({ pipelineFile: path })).toThrow(/warehouse\.users\.change_handler is not there.*IAMR:redshift-cdc-change-handler/);
    expect(() => deploy({ rolePrefix: 'other' })).toThrow(/IAMR:other-change-handler/);
  });

  it('is refused when a pattern has no topics, and topics when nothing means them', () => {
    const file = new PipelineFile(pipelineFile('  - topic: shop.shop.*\n    exclude: [shop.shop.AUDIT]\n'));
    expect(() => file.topics()).toThrow(/pattern shop\.shop\.\* is in tables/);
    expect(() => file.topics(['shop.shop.AUDIT'])).toThrow(/shop\.shop\.AUDIT is to be mapped/);
    expect(file.topics(['shop.shop.ITEM'])).toEqual(['shop.shop.ITEM']);
  });

  it('needs name, prefix and tables', () => {
    expect(() => new PipelineFile(pipelineFile('  []\n'))).toThrow(/tables are required/);
  });

  it('is matched as the functions match it', () => {
    for (const [pattern, topic, expected] of [
      ['a.b.*', 'a.b.c', true],
      ['a.b.*', 'a.b.c.d', false],
      ['a.**', 'a.b.c.d', true],
      ['a.b.c', 'axbxc', false],
      ['a.b.*_log', 'a.b.x_log', true],
      ['a.b.C', 'a.b.c', false],
    ] as const) {
      expect([pattern, topic, matches(pattern, topic)]).toEqual([pattern, topic, expected]);
    }
  });
});

describe('the freshness of a table', () => {
  const tables = `  - topic: shop.shop.ITEM
    freshness_seconds: 20
  - topic: shop.shop.*
    freshness_seconds: 3600
    exclude: [shop.shop.AUDIT]
  - topic: shop.shop.B*
    freshness_seconds: 600
  - topic: shop.shop.AUDIT
`;

  it('is read as the functions read it: patterns in order, the exact name over them', () => {
    const file = new PipelineFile(pipelineFile(tables));
    expect(['ITEM', 'ORDERS', 'BASKET', 'AUDIT'].map((table) => file.freshnessSeconds(`shop.shop.${table}`))).toEqual([20, 3600, 600, undefined]);
  });

  it('decides how long its mapping gathers, and the strictest how often the refresher looks', () => {
    const topics = ['shop.shop.ORDERS', 'shop.shop.BASKET'];
    const template = Template.fromStack(deploy({ pipelineFile: pipelineFile(tables), topics }).stack);
    const windows = Object.values(template.findResources('AWS::Lambda::EventSourceMapping')).map((mapping) => [
      mapping['Properties'].Topics[0],
      mapping['Properties'].MaximumBatchingWindowInSeconds,
    ]);
    expect(Object.fromEntries(windows)).toEqual({ 'shop.shop.ITEM': 2, 'shop.shop.AUDIT': 5, 'shop.shop.ORDERS': 300, 'shop.shop.BASKET': 50 });
    template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(1 minute)', Description: 'redshift-cdc shop: refresher' });
  });

  it('gives way to what the deployment states', () => {
    const template = Template.fromStack(deploy({ pipelineFile: pipelineFile(tables), topics: ['shop.shop.ORDERS', 'shop.shop.BASKET'], batchingWindowSeconds: 7 }).stack);
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', { MaximumBatchingWindowInSeconds: 7 });
  });

  it('stays within what Lambda and Scheduler take', () => {
    expect([1, 60, 100_000, undefined].map(batchingWindow)).toEqual([1, 5, 300, 5]);
    expect([[], [30], [150, 3600], [100_000]].map(refreshRate)).toEqual(['rate(5 minutes)', 'rate(1 minute)', 'rate(2 minutes)', 'rate(5 minutes)']);
  });
});
