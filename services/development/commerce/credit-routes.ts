import type { FastifyInstance } from 'fastify';
import { withoutParameters } from '../../shared/http/guarded-server.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText, type Millis } from '../../shared/model/time.ts';
import type { Authorization } from './authorization.ts';
import { readClaim, type Credit, type Credits } from './credits.ts';
import type { SubmissionPorts } from './submission.ts';

export interface CreditPorts {
  readonly credits: Credits;
  readonly authorization: Authorization;
  readonly submission: Pick<SubmissionPorts, 'whoPays'>;
  readonly now: () => Millis;
}

/** The desk at which an operator claims credits: it stands in for Microsoft's support, which has no API. */
export const creditRoutes = (app: FastifyInstance, ports: CreditPorts): void => {
  const { credits, authorization, submission, now } = ports;
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.post('/credits', withoutParameters, async (request, reply) => {
    const caller = await authorization.bearer(request.headers.authorization);
    if (!caller.ok) {
      return reply.code(403).send({ message: 'The bearer token is missing or invalid.' });
    }
    const claim = readClaim(String(request.body));
    if (!claim.ok) return reply.code(400).send({ message: claim.error });
    const { id, resourceUri } = claim.value;
    const event = { resource: { resourceUri }, additionalInfo: null };
    const payer = submission.whoPays(event, caller.value);
    const credit: Credit = { ...claim.value, ...payer, grantedAt: now() };
    const granted = await credits.grant(credit);
    if (granted === null) {
      return reply
        .code(409)
        .send({ message: `Another credit was granted under the id ${id}: it stays as it is.` });
    }
    return reply.code(granted === credit ? 201 : 200).send(shown(granted));
  });
};

const shown = (credit: Credit) => ({
  ...credit,
  quantity: formatQuantity(credit.quantity),
  grantedAt: isoText(credit.grantedAt),
});
