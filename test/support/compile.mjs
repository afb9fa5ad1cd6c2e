import { compile } from '../../services/shared/build/compile.mjs';

/** Jest's global set-up of the unit tests. */
export default async () => {
  await compile();
};
