/** Reads a deployment file: the properties of both stacks as JSON or YAML, so that the app needs no code of yours. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { RedshiftAccessProps } from './redshift-access.js';
import type { RedshiftCdcPipelineProps } from './settings.js';

/** A deployment: the two stacks. Paths in it are relative to the file. */
export interface DeploymentFile {
  readonly access?: Omit<RedshiftAccessProps, 'mskClusterArn' | 'topicPrefix' | 'mskSecurityGroupId'>;
  readonly pipeline: RedshiftCdcPipelineProps;
}

/** Reads it; fails with the file's name and the next step. */
export function readDeployment(path: string): DeploymentFile {
  if (!existsSync(path)) {
    throw new Error(`the deployment file ${path} is not there; copy deployment.example.yaml, or give another with -c deployment=FILE`);
  }
  const read = parse(readFileSync(path, 'utf8')) as DeploymentFile;
  if (!read?.pipeline) {
    throw new Error(`${path}: pipeline is required; see deployment.example.yaml`);
  }
  const from = (relative: string): string => resolve(dirname(path), relative);
  const pipeline = { ...read.pipeline, pipelineFile: from(read.pipeline.pipelineFile), packages: from(read.pipeline.packages) };
  return { ...read, pipeline };
}
