import { expect, test, vi } from 'vitest'
import { openRuntime } from '../src/plugins/open-runtime.ts'

vi.mock('@tp/runtime-native', () => {
  throw new Error("Cannot find package '@tp/runtime-native'")
})

test('names the package of a runtime that is not installed, and no option, since commands call theirs --runtime or --for', async () => {
  await expect(openRuntime('native')).rejects.toMatchObject({
    code: 'TP_RUNTIME',
    message: expect.stringMatching(
      /^\[tp\] the runtime native: .*install @tp\/runtime-native together with @tp\/cli$/s,
    ),
  })
})
