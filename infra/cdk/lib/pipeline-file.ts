/**
 * What the deployment takes from the pipeline file: its name, the topics, and the database users that have to be the
 * functions' roles. The functions read the file themselves and check all of it.
 */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The functions that have a database user in the pipeline file. */
const USERS = { change_handler: 'change-handler', refresher: 'refresher', lag_monitor: 'lag-monitor' } as const;

interface Document {
  readonly name?: string;
  readonly source?: { readonly topic_prefix?: string };
  readonly kafka?: { readonly cluster_arn?: string };
  readonly warehouse?: { readonly users?: Partial<Record<keyof typeof USERS, string>> };
  readonly tables?: readonly { readonly topic: string; readonly exclude?: readonly string[] }[];
}

/** A pipeline file, as far as the deployment needs it. */
export class PipelineFile {
  readonly name: string;
  readonly topicPrefix: string;
  /** The MSK cluster's ARN, if the file names it. */
  readonly clusterArn: string | undefined;
  private readonly entries: readonly { readonly topic: string; readonly exclude?: readonly string[] }[];
  private readonly users: Partial<Record<keyof typeof USERS, string>>;

  constructor(readonly path: string) {
    const document = parse(readFileSync(path, 'utf8')) as Document | null;
    const name = document?.name;
    const topicPrefix = document?.source?.topic_prefix;
    if (!name || !topicPrefix || !document?.tables?.length) {
      throw new Error(`${path}: name, source.topic_prefix and tables are required; see shared/cdc-core/pipeline.schema.json`);
    }
    this.name = name;
    this.topicPrefix = topicPrefix;
    this.clusterArn = document.kafka?.cluster_arn;
    this.entries = document.tables;
    this.users = document.warehouse?.users ?? {};
  }

  /**
   * The topics to map, in order: those that the file names exactly, then the given ones, which patterns need because
   * a mapping carries exactly one topic.
   */
  topics(given: readonly string[] = []): string[] {
    const exact = this.entries.map((entry) => entry.topic).filter((topic) => !topic.includes('*'));
    for (const topic of given) {
      if (!this.means(topic)) {
        throw new Error(`${this.path}: topic ${topic} is to be mapped, but no entry of tables means it; add it, or leave it out of topics`);
      }
    }
    for (const { topic, exclude } of this.entries) {
      if (topic.includes('*') && !given.some((one) => matches(topic, one) && !exclude?.some((not) => matches(not, one)))) {
        throw new Error(`${this.path}: pattern ${topic} is in tables, and topics names none that it means; list them, for example from kafka-topics.sh --list`);
      }
    }
    return [...new Set([...exact, ...given])];
  }

  /** Fails unless the file's users are the roles that are deployed, so that grants go to who logs in. */
  checkUsers(rolePrefix: string): void {
    for (const [key, fn] of Object.entries(USERS) as [keyof typeof USERS, string][]) {
      const wanted = `IAMR:${rolePrefix}-${fn}`;
      if (this.users[key] !== wanted) {
        throw new Error(`${this.path}: warehouse.users.${key} is ${this.users[key] ?? 'not there'}; the function logs in as "${wanted}": write that, or change rolePrefix`);
      }
    }
  }

  private means(topic: string): boolean {
    return this.entries.some((entry) => matches(entry.topic, topic) && !entry.exclude?.some((not) => matches(not, topic)));
  }
}

/** `*` stands for any text without a dot, `**` for any text. */
export function matches(pattern: string, topic: string): boolean {
  const expression = pattern
    .split(/(\*+)/)
    .map((part) => (part.startsWith('**') ? '.*' : part === '*' ? '[^.]*' : part.replace(/[.\\+?^$()[\]{}|-]/g, '\\$&')))
    .join('');
  return new RegExp(`^${expression}$`).test(topic);
}
