import type { Session } from '@tp/core/runtime'
import { expect, test } from 'vitest'
import { type DecoderForm, openTextDecoder } from './text-decoder.ts'

test('takes the sizes of caches from the inputs where the graph does not say how large a head is', () => {
  const cache = (name: string) => ({ name, type: 'float32', dims: ['batch', 2, 'past', 18] })
  const ids = { name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] }
  const session = { inputs: [ids, cache('past.key'), cache('past.value')], outputs: [] } as unknown as Session
  const form: DecoderForm = {
    caches: [{ keys: { past: 'past.key', present: 'key' }, values: { past: 'past.value', present: 'value' } }],
    ...{ positions: undefined, logits: 'logits', byHead: true, keyHeads: 2, headSize: 'a+b', dtype: 'float32' },
  }
  expect(openTextDecoder(session, form).feeds([1, 2])['past.key']?.dims).toEqual([1, 2, 0, 18])
})
