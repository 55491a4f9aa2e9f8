import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createModel, encodeModel, Graph } from '@tp/onnx'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ModelFile, readModel } from '../models/model-file.ts'
import { withModelAsFile } from './load-session.ts'
import { ownTag } from './process-mark.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-session-'))
  vi.stubEnv('TMPDIR', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const file = (): Promise<ModelFile> => {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', [1])
  graph.addOutput('x', 'float32', [1])
  writeFileSync(join(folder, 'x.onnx'), encodeModel(graph.model))
  return readModel(join(folder, 'x.onnx'))
}
const signal = new AbortController().signal

test('removes the temporary folder of a killed process, keeps that of a running one, and leaves none of its own', async () => {
  const source = await file()
  const { pid } = spawnSync(process.execPath, ['--version'])
  const other = `.tp.01234567-${ownTag.replace(/-\d+-\d+$/, `-${process.ppid}-0`)}.tmp`
  mkdirSync(join(folder, `.tp.01234567-${ownTag.replace(/-\d+-\d+$/, `-${pid}-0`)}.tmp`))
  mkdirSync(join(folder, other))
  const own = await withModelAsFile(source.model, source, signal, async (path) => dirname(path))
  expect(basename(own)).toMatch(new RegExp(`^\\.tp\\.[0-9a-f]{8}-${ownTag}\\.tmp$`))
  expect(readdirSync(folder).toSorted()).toEqual([other, 'x.onnx'])
})

test('says that the folder for temporary files is not there', async () => {
  const source = await file()
  vi.stubEnv('TMPDIR', join(folder, 'missing'))
  const written = withModelAsFile(source.model, source, signal, async () => 1)
  await expect(written).rejects.toMatchObject({ code: 'TP_WRITE', message: expect.stringContaining('does not exist') })
})
