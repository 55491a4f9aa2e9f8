import { TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import type { Values } from '../method/site.ts'
import type { Softened, SoftSite } from '../method/training.ts'
import { cast, constant, gather, gatherND, mul, transpose, unsqueeze, where } from '../ops/index.ts'
import { callMethod, checkSoftened, ModelErrors } from './call-method.ts'
import { makeSite, startedState } from './reduce.ts'
import type { SiteSource } from './site-source.ts'
import { protectedMask, type TokenState } from './state.ts'

/** The input of soft training at a site. */
export interface SoftInputs {
  noise: SoftSite['noise']
  saliency(): Tensor
  ratio(): Tensor
}

export interface SoftenTokensOptions {
  readonly method: Method
  readonly source: SiteSource
  readonly state: TokenState
  /** float [B,N]: how much of each token earlier sites kept; absent: all of it */
  readonly kept?: Tensor | undefined
  readonly params: Values
  readonly inputs: SoftInputs
}

/** A site at which a method learned. */
export interface SoftReduced {
  readonly softened: Softened
  /** float [B,N]: how much of each token is kept after it */
  readonly kept: Tensor
  /** float [B,N]: 1 for real tokens, 0 for padding */
  readonly attended: Tensor
  readonly state: TokenState
}

/** The soft form of a method at one site: no token is removed. */
export function softenTokens({ method, source, state, kept, params, inputs }: SoftenTokensOptions): SoftReduced {
  if (method.training === undefined) {
    throw new TpError('TP_METHOD', method.name, 'the method has nothing to learn; train the encoder with it instead')
  }
  const started = startedState(method, state, source.hidden)
  // The layer attends to what earlier sites have kept, which its queries and keys alone do not show.
  const attentionFrom = (rows: Tensor | number): Tensor => rowsOf(source.attention(), rows)
  const errors = new ModelErrors()
  const watched = errors.watch({ ...source, attentionFrom })
  const site = makeSite(watched, started, { budget: undefined, param: params })
  const attended = cast(site.attended, 'float32')
  const obey = (some: Tensor): Tensor => where(protectedMask(started), attended, mul(some, attended))
  const before = kept ?? attended
  const own = {
    kept: before,
    obey,
    noise: inputs.noise,
    get saliency() {
      return inputs.saliency()
    },
    get ratio() {
      return inputs.ratio()
    },
  }
  const soft = Object.defineProperties(site, Object.getOwnPropertyDescriptors(own)) as unknown as SoftSite
  const { training } = method
  const softened = callMethod(method.name, `soften at layer ${source.layer}`, () => training.soften(soft), errors)
  checkSoftened(method.name, softened, site)
  return {
    softened,
    kept: mul(before, obey(softened.kept)),
    attended,
    state: { ...started, carried: { ...started.carried, ...softened.carry } },
  }
}

/** Rows of the query axis of attention [B,H,N,N]: the same one of all examples, or int64 [B,Q]. */
function rowsOf(attention: Tensor, rows: Tensor | number): Tensor {
  if (typeof rows === 'number') return gather(attention, constant([rows], 'int64'), 2)
  return transpose(gatherND(transpose(attention, [0, 2, 1, 3]), unsqueeze(rows, [2]), 1), [0, 2, 1, 3])
}
