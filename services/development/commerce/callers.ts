import type { FastifyRequest } from 'fastify';
import type { Result } from '../../shared/model/result.ts';
import type { Authorization } from './authorization.ts';
import type { Caller, TokenProblem } from './sign-in/access-tokens.ts';

/** Who sent the requests that are being answered. */
export class Callers {
  private readonly authorization: Authorization;
  private readonly callers = new WeakMap<FastifyRequest, Caller>();

  constructor(authorization: Authorization) {
    this.authorization = authorization;
  }

  async identify(request: FastifyRequest): Promise<Result<Caller, TokenProblem>> {
    const caller = await this.authorization.bearer(request.headers.authorization);
    if (caller.ok) this.callers.set(request, caller.value);
    return caller;
  }

  /** The caller of a request that was identified. */
  of(request: FastifyRequest): Caller {
    const caller = this.callers.get(request);
    if (caller === undefined) throw new Error('a request was not identified');
    return caller;
  }

  /** The token with which a request was sent is refused from now on, as if it had expired. */
  revoke(request: FastifyRequest): void {
    const caller = this.callers.get(request);
    if (caller !== undefined) this.authorization.revoke(caller);
  }
}
