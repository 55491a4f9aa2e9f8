import { rmSync, writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { beforeAll, describe, expect, test } from 'vitest'
import { argv, temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const digits = modelPath('digits-vit')

/** A plugin whose methods compute for a while at each layer, or without an end, and say that they have begun. */
const slowPlugin = `
  const entry = (name, milliseconds) => ({
    name, family: 'baseline', description: 'takes its time', options: {},
    create: () => ({
      name, family: 'baseline',
      reduce(site) {
        process.stderr.write('computing\\n')
        for (const end = Date.now() + milliseconds; Date.now() < end; );
        return { keep: site.attended }
      },
    }),
  })
  export default { contractVersion: 1, methods: [entry('slow', 300), entry('endless', Infinity)] }`

describe('a signal during a command', () => {
  beforeAll(() => writeFileSync(folder.at('slow.mjs'), slowPlugin))

  test('ends an endless computation by SIGINT, and no file remains', async () => {
    const args = argv`prune ${digits} -o ${folder.at('out.onnx')} --plugin ${folder.at('slow.mjs')} --method endless --keep 0.9`
    const { code, signal, stdout, stderr } = await tp(args, {
      onError: (text, kill) => void (text.includes('computing') && kill('SIGINT')),
    })
    expect([code, signal]).toEqual([130, null])
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('Canceled; nothing was written.')
    expect(stdout).toBe('')
    expect(folder.files()).toEqual(['slow.mjs'])
  })

  test('ends a plugin that computes without an end when it is loaded', async () => {
    const endless = folder.at('endless.mjs')
    writeFileSync(endless, "process.stderr.write('loading\\n')\nfor (;;);")
    const { code, signal } = await tp(['methods', '--plugin', endless], {
      onError: (text, kill) => void (text.includes('loading') && kill('SIGTERM')),
    })
    expect([code, signal]).toEqual([null, 'SIGTERM'])
    rmSync(endless)
  })

  test('the command writes its file without needing a signal', async () => {
    const args = argv`prune ${digits} -o ${folder.at('whole.onnx')} --plugin ${folder.at('slow.mjs')} --method slow --layers 1 --keep 0.9`
    expect((await tpHere(args)).code).toBe(0)
    expect(folder.files()).toEqual(['slow.mjs', 'whole.onnx'])
  })

  test('removes the temporary file if it is SIGINT during verification, and says that nothing was written', async () => {
    const args = ['prune', digits, '-o', folder.at('out.onnx'), '--method', 'stride', '--keep', '0.9']
    const { code, stderr } = await tp(args, {
      onError: (text, kill) => void (text.includes('verifying') && kill('SIGINT')),
    })
    expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([130, 'Canceled; nothing was written.'])
    expect(folder.files()).toEqual(['slow.mjs', 'whole.onnx'])
    const { stdout } = await tp([...args, '--json'], {
      onError: (text, kill) => void (text.includes('verifying') && kill('SIGTERM')),
    })
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'error',
      code: 'TP_ABORTED',
      message: 'Canceled; nothing was written.',
    })
  })
})
