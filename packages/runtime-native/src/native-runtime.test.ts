import { readFileSync } from 'node:fs'
import { testRuntime } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { describeNative } from '../test/native.ts'
import { nativeRuntime } from './native-runtime.ts'

describeNative('the contract of runtimes', () => {
  testRuntime(nativeRuntime())
  testRuntime(nativeRuntime(), { threads: 1 })
})

test.each([
  { atOnce: 0 },
  { atOnce: 1.5 },
  { atOnce: 1025 },
  { atOnce: Number.POSITIVE_INFINITY },
  { waiting: -1 },
  { waiting: Number.NaN },
  { treads: 2 } as object,
])('refuses %j', (options) => {
  expect(() => nativeRuntime(options)).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
})

describeNative('diagnose', () => {
  test('names the version of onnxruntime and the instructions', async () => {
    const { runtime, version, notes } = await nativeRuntime().diagnose()
    expect({ runtime, version }).toEqual({ runtime: 'onnxruntime', version: '1.30.0' })
    expect(notes.join('\n')).toMatch(
      /packed attention is computed with (avx512|avx2|baseline) instructions, compiled by (GCC|.*[Cc]lang|.*LLVM).* \d/,
    )
  })

  test.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'takes the best that the system lists',
    async () => {
      const listed = new Set(/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' '))
      const has = (...flags: readonly string[]): boolean => flags.every((flag) => listed.has(flag))
      const isAvx512 = has('avx512f') && (has('avx512bw', 'avx512_vnni') || has('avx2', 'fma'))
      const best = isAvx512 ? 'avx512' : has('avx2', 'fma') ? 'avx2' : 'baseline'
      const { notes } = await nativeRuntime().diagnose()
      expect(notes.at(-1)).toContain(` ${best} instructions`)
    },
  )
})
