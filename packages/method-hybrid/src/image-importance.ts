import { mean, type OptionSpec, type Site, type Tensor } from '@tp/core'

export interface ImportanceOptions {
  /** How important a token is: the attention that it receives from all tokens (default), or from the class token, as published for CLIP. */
  readonly importance?: 'received' | 'class'
}

export const importanceOption: OptionSpec = {
  type: 'string',
  default: 'received',
  choices: ['received', 'class'],
  description: 'the attention that a token receives from all, or from the class token',
}

/** float [B,N] */
export function importanceOf(site: Site, { importance = 'received' }: ImportanceOptions): Tensor {
  return importance === 'class' ? mean(site.clsAttention, 1) : site.received
}
