import type { ModelInputs } from './model-inputs.ts'

/** Labels, lengths and contents of examples as a short text, to know them again. */
export async function fingerprint({ targets, lengths, keys }: ModelInputs): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([targets, lengths, keys]))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
