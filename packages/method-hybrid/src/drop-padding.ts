import { checkOptions, type Method, type NoOptions, not } from '@tp/core'

/**
 * Drops padding, and no other token: for exports of a fixed length, such as 512 tokens, whose inputs are mostly padding.
 *
 *   kept: what the attention mask attends to                                                            bool [B,N]
 *
 * At the input of the first layer, so that no layer computes a token of padding: as many are kept as the fullest example of a batch has. Nothing reads
 * padding where the model masks it, so that answers are those of the dense model. The rows of padding in an output with a row
 * for each token are not. A model without a mask is refused (`TP_MASK`): nothing says what its padding is. So is one that reads padding in
 * spite of its mask, such as a mean over all tokens (`TP_PADDING`). No amount is needed.
 */
export function dropPadding(options: NoOptions = {}): Method {
  checkOptions('drop-padding', {}, options)
  return Object.freeze<Method>({
    name: 'drop-padding',
    family: 'hybrid',
    site: 'input',
    unscheduled: true,
    adaptive: true,
    lossless: true,
    // Without a budget it only observes. Not destructured: a model may refuse to say what its padding is.
    reduce: (site) => ({ keep: site.budget === undefined ? site.attended : not(site.padding) }),
  })
}
