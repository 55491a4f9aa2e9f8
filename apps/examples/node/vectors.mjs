import { Tokenizer } from '@huggingface/tokenizers'

/**
 * Inputs of an exported BERT for one text.
 * @param {object} json the model's tokenizer.json
 * @param {number} maxTokens
 */
export function textInputs(json, maxTokens) {
  const tokenizer = new Tokenizer(json, {})
  return (text) => {
    const { ids } = tokenizer.encode(text)
    // The last token ends a text, also one that is cut.
    const kept = ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids.at(-1)]
    const dims = [1, kept.length]
    return {
      input_ids: { type: 'int64', dims, data: BigInt64Array.from(kept, BigInt) },
      attention_mask: { type: 'int64', dims, data: new BigInt64Array(kept.length).fill(1n) },
    }
  }
}

/** Of length 1. @param {Float32Array} vector */
export function normalized(vector) {
  const norm = Math.hypot(...vector)
  return vector.map((x) => x / norm)
}

/** @param {Float32Array} scores @returns {number[]} */
export function softmax(scores) {
  const powers = Array.from(scores, (score) => Math.exp(score - Math.max(...scores)))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}
