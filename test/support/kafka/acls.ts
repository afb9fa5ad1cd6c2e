import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import kafkajs, { type AclEntry, type Kafka } from 'kafkajs';
import { inRepository } from '../../../services/shared/process/repository.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** The operations of kafka-acls.sh that are needed here. */
const operationOf = (name: string): kafkajs.AclOperationTypes => {
  switch (name) {
    case 'Read':
      return AclOperationTypes.READ;
    case 'Write':
      return AclOperationTypes.WRITE;
    case 'Create':
      return AclOperationTypes.CREATE;
    case 'Delete':
      return AclOperationTypes.DELETE;
    case 'DescribeConfigs':
      return AclOperationTypes.DESCRIBE_CONFIGS;
    default:
      throw new Error(`not expected here: the operation ${name}`);
  }
};

const OPTIONS = {
  add: { type: 'boolean' },
  'allow-principal': { type: 'string' },
  'resource-pattern-type': { type: 'string' },
  topic: { type: 'string' },
  group: { type: 'string' },
  operation: { type: 'string', multiple: true },
} as const;

/** What `kafka-acls.sh` makes of its arguments. That command is in no package that comes with the broker here. */
const entriesOf = (args: readonly string[]): AclEntry[] => {
  const values = parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  const { topic, group, operation = [], 'allow-principal': principal = '' } = values;
  const name = topic ?? group;
  if (values.add !== true || name === undefined || values['resource-pattern-type'] !== 'prefixed') {
    throw new Error(`not understood: ${args.join(' ')}`);
  }
  const entry = {
    resourceType: topic === undefined ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
    resourceName: name,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
  };
  return operation.map((each) => ({ ...entry, operation: operationOf(each) }));
};

/** The rights that docs/own-servers.md names, as the arguments of `kafka-acls.sh`. */
const documented = (): readonly (readonly string[])[] => {
  const text = readFileSync(inRepository('docs/own-servers.md'), 'utf8');
  const lines = [...text.matchAll(/^kafka-acls\.sh .*? (--add .*)$/gm)];
  if (lines.length < 2) throw new Error('docs/own-servers.md names no ACLs');
  return lines.map(([, args = '']) => args.split(' '));
};

const grant = async (kafka: Kafka, acl: AclEntry[]): Promise<void> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createAcls({ acl });
  } finally {
    await admin.disconnect();
  }
};

/** Gives the user of the documents their rights. */
export const grantDocumented = (kafka: Kafka): Promise<void> =>
  grant(kafka, documented().flatMap(entriesOf));

/** Gives another user those on topics, and none on groups. */
export const grantTopicsAlone = (kafka: Kafka, principal: string): Promise<void> =>
  grant(
    kafka,
    documented()
      .filter((args) => args.includes('--topic'))
      .flatMap(entriesOf)
      .map((entry) => ({ ...entry, principal })),
  );
