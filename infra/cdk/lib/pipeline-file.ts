/**
 * What the deployment takes from the pipeline file: its name, the topics, and the database users that have to be the
 * functions' roles. The functions read the file themselves and check all of it.
 */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The functions that have a database user in the pipeline file. */
const USERS = { change_handler: 'change-handler', refresher: 'refresher', lag_monitor: 'lag-monitor' } as const;

interface Entry {
  readonly topic: string;
  readonly exclude?: readonly string[];
  readonly freshness_seconds?: number;
}

interface Document {
  readonly name?: string;
  readonly source?: { readonly topic_prefix?: string };
  readonly kafka?: { readonly cluster_arn?: string };
  readonly warehouse?: { readonly users?: Partial<Record<keyof typeof USERS, string>> };
  readonly defaults?: { readonly freshness_seconds?: number };
  readonly tables?: readonly Entry[];
}

/** A pipeline file, as far as the deployment needs it. */
export class PipelineFile {
  readonly name: string;
  readonly topicPrefix: string;
  /** The MSK cluster's ARN, if the file names it. */
  readonly clusterArn: string | undefined;
  private readonly entries: readonly Entry[];
  private readonly defaultFreshness: number | undefined;
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
    this.defaultFreshness = document.defaults?.freshness_seconds;
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

  /**
   * The freshness that the file promises for a topic's table, in seconds: its defaults, over them each pattern that
   * means the topic, in order, over them the entry with the exact name, as the functions read it. None: none is promised.
   */
  freshnessSeconds(topic: string): number | undefined {
    const layers = this.entries.filter((entry) => this.entryMeans(entry, topic)).sort((one, other) => Number(one.topic === topic) - Number(other.topic === topic));
    return layers.reduce((found, entry) => entry.freshness_seconds ?? found, this.defaultFreshness);
  }

  private means(topic: string): boolean {
    return this.entries.some((entry) => this.entryMeans(entry, topic));
  }

  private entryMeans(entry: Entry, topic: string): boolean {
    return matches(entry.topic, topic) && !entry.exclude?.some((not) => matches(not, topic));
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

/** Freshness in seconds that `behindAfterMs` promises by default. */
const DEFAULT_FRESHNESS = 60;

/**
 * How long a mapping may gather a batch, in seconds: a twelfth of the freshness, which leaves the rest to ingestion and
 * merge. 5 s for the default of a minute; longer saves statements for tables that may be older.
 */
export function batchingWindow(freshnessSeconds = DEFAULT_FRESHNESS): number {
  return Math.min(300, Math.max(1, Math.round(freshnessSeconds / 12)));
}

/**
 * How often the refresher has to look, as a schedule expression: as often as the strictest promise needs, at least every
 * five minutes. One schedule for all tables, since a tick with nothing new asks Kafka only and a named table would be
 * synchronised each time.
 */
export function refreshRate(promises: readonly (number | undefined)[]): string {
  const stated = promises.filter((one) => one !== undefined);
  const minutes = Math.min(5, Math.max(1, Math.floor(Math.min(300, ...stated) / 60)));
  return minutes === 1 ? 'rate(1 minute)' : `rate(${minutes} minutes)`;
}
