import { writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder, tp } from './tp.ts'

const folder = temporaryFolder()
const digits = modelPath('digits-vit')

/** A plugin whose method computes for a second at each block, and says that it has begun. */
const slowPlugin = `
  export default {
    contractVersion: 1,
    methods: [{
      name: 'slow', family: 'baseline', description: 'takes its time', options: {},
      create: () => ({
        name: 'slow', family: 'baseline',
        reduce(site) {
          process.stderr.write('computing\\n')
          for (const end = Date.now() + 300; Date.now() < end; );
          return { keep: site.alive }
        },
      }),
    }],
  }`

describe('a signal in the middle', () => {
  beforeAll(() => writeFileSync(folder.at('slow.mjs'), slowPlugin))

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while pruning ends with %i and leaves nothing', async (signal, exitCode) => {
    const args = [
      'prune',
      digits,
      '-o',
      folder.at('out.onnx'),
      '--plugin',
      folder.at('slow.mjs'),
      '--method',
      'slow',
      '--keep',
      '0.9',
    ]
    const { code, stdout, stderr } = await tp(args, {
      onError: (text, kill) => void (text.includes('computing') && kill(signal)),
    })
    expect(code).toBe(exitCode)
    expect(stdout).toBe('')
    expect(stderr).toContain('code: TP_ABORTED')
    expect(folder.files()).toEqual(['slow.mjs'])
  })

  test('without a signal the same command writes its file', async () => {
    const args = [
      'prune',
      digits,
      '-o',
      folder.at('whole.onnx'),
      '--plugin',
      folder.at('slow.mjs'),
      '--method',
      'slow',
      '--layers',
      '1',
      '--keep',
      '0.9',
    ]
    expect((await tp(args)).code).toBe(0)
    expect(folder.files()).toEqual(['slow.mjs', 'whole.onnx'])
  })

  test('SIGINT while verifying, when the file is there under its temporary name', async () => {
    const args = ['prune', digits, '-o', folder.at('out.onnx'), '--method', 'stride', '--keep', '0.9', '--verify']
    const { code } = await tp(args, {
      onError: (text, kill) => void (text.includes('verifying') && kill('SIGINT')),
    })
    expect(code).toBe(130)
    expect(folder.files()).toEqual(['slow.mjs', 'whole.onnx'])
  })

  test('SIGINT while timing', async () => {
    const { code } = await tp(['bench', digits], {
      onError: (text, kill) => void (text.includes('timing') && setTimeout(() => kill('SIGINT'), 300)),
    })
    expect(code).toBe(130)
  })
})
