import { cast, constant, type Method, type Tensor, type Values } from '@tp/core'
import { initialState, type SiteSource, type SoftReduced, softenTokens } from '@tp/core/host'

/** The values of one layer that a learning method reads. All arrays have the same B and N. */
export interface OneSoftSite {
  /** [B,N,D] */
  readonly hidden: Tensor
  /** [B,H,N,N] */
  readonly attention: Tensor
  /** 1: a real token; default: all are */
  readonly attended?: readonly (readonly number[])[]
  /** Default: none. */
  readonly protectedTokens?: readonly number[]
  readonly layer?: number
  readonly layerCount?: number
  readonly params: Values
  /** float [B,N]; default: everything */
  readonly kept?: Tensor
  /** float [B] */
  readonly ratio?: Tensor
  /** float [B,N] */
  readonly saliency?: Tensor
}

/** The soft form of a method at one site. */
export function softenOnce(method: Method, site: OneSoftSite): SoftReduced {
  const {
    hidden,
    attention,
    attended,
    protectedTokens = [],
    layer = 0,
    layerCount = 1,
    params,
    kept,
    ratio,
    saliency,
  } = site
  const missing = (): never => {
    throw new Error('the method looks at something that the test does not give')
  }
  const source: SiteSource = {
    layer,
    layerCount,
    hidden,
    query: missing,
    key: missing,
    value: missing,
    attention: () => attention,
    attentionFrom: missing,
    classToken: () => 0,
  }
  const mask = attended && cast(constant(attended.flat(), 'int64', hidden.dims.slice(0, 2) as number[]), 'bool')
  const inputs = { noise: missing, saliency: () => saliency ?? missing(), ratio: () => ratio ?? missing() }
  return softenTokens({ method, source, state: initialState(hidden, mask, protectedTokens), kept, params, inputs })
}
