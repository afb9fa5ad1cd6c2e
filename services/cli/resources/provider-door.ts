import { existsSync } from 'node:fs';
import { z } from 'zod';
import {
  changeAnswerSchema,
  resourceListSchema,
  type ChangeAnswer,
  type ChangeRequest,
  type CreateRequest,
  type ShownResource,
} from '../../development/simulated-cloud/resource-requests.ts';
import { leadsToLoopback } from '../../shared/http/host-name.ts';
import { causeText, UserError } from '../../shared/process/errors.ts';
import { localDirectory } from '../../shared/process/local-directory.ts';
import { localToken, publicKeyFile, signInDirectory } from '../../shared/sign-in/local-sign-in.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { readResourcesConfig } from '../settings.ts';

/** The providers with a door, and the setting that says where it is. */
const DOORS = {
  compute: 'COMPUTE_PROVIDER_URL',
  storage: 'STORAGE_PROVIDER_URL',
  network: 'NETWORK_PROVIDER_URL',
  platform: 'PLATFORM_PROVIDER_URL',
} as const;

export type DoorName = keyof typeof DOORS;

export const DOOR_NAMES = Object.keys(DOORS) as readonly DoorName[];

const TIME_LIMIT_MILLIS = 30_000;
const TOKEN_SECONDS = 300;

const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** The doors of the simulated providers. What they refuse is a UserError. */
export class ProviderDoors {
  private readonly config = readResourcesConfig();

  /** The resources of all providers that exist, of one subscription or of all. */
  async list(subscription: string | null): Promise<readonly ShownResource[]> {
    const query = subscription === null ? '' : `?subscription=${encodeURIComponent(subscription)}`;
    const lists = await Promise.all(
      DOOR_NAMES.map((name) => this.ask(name, `/resources${query}`, null, resourceListSchema)),
    );
    return lists.flatMap(({ value }) => value);
  }

  create(name: DoorName, request: CreateRequest): Promise<ChangeAnswer> {
    return this.ask(name, '/resources', request, changeAnswerSchema);
  }

  change(name: DoorName, request: ChangeRequest): Promise<ChangeAnswer> {
    return this.ask(name, '/resources/change', request, changeAnswerSchema);
  }

  /** @param body null for a GET */
  private async ask<T>(
    name: DoorName,
    path: string,
    body: object | null,
    schema: z.ZodType<T>,
  ): Promise<T> {
    const base = this.config[DOORS[name]];
    const { status, text } = await this.send(name, `${base}${path}`, body);
    const answer: unknown = jsonOf(text);
    if (status === 200) {
      const parsed = schema.safeParse(answer);
      if (parsed.success) return parsed.data;
      throw new UserError(`What answers at ${base} is no simulated provider: see ${DOORS[name]}`);
    }
    const refused = errorSchema.safeParse(answer);
    throw new UserError(
      refused.success
        ? refused.data.error.message
        : `The ${name} provider at ${base} answered ${String(status)}: see ${DOORS[name]}`,
    );
  }

  private async send(
    name: DoorName,
    url: string,
    body: object | null,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const token = await this.token(url);
    try {
      const answer = await fetch(url, {
        method: body === null ? 'GET' : 'POST',
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(body !== null && { 'content-type': 'application/json' }),
        },
        ...(body !== null && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIME_LIMIT_MILLIS),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (cause) {
      throw new UserError(
        `The ${name} provider cannot be reached at ${new URL(url).origin}: "npm start" runs it, without --empty; or set ${DOORS[name]} (${causeText(cause)})`,
        { cause },
      );
    }
  }

  /** Whoever can read the key of this machine needs no other token. */
  private async token(url: string): Promise<string | null> {
    const { USAGE_API_AUDIENCE, USAGE_API_TOKEN, PROVIDER_SUBSCRIPTION_ID } = this.config;
    const directory = signInDirectory(localDirectory());
    if (!leadsToLoopback(new URL(url)) || !existsSync(publicKeyFile(directory))) {
      return USAGE_API_TOKEN ?? null;
    }
    return localToken(directory, {
      subscriptions: [PROVIDER_SUBSCRIPTION_ID],
      role: 'Contributor',
      lifetimeSeconds: TOKEN_SECONDS,
      audience: USAGE_API_AUDIENCE,
      subject: actorName(),
      now: Date.now(),
    });
  }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no provider of ours: the status says the rest
  }
};
