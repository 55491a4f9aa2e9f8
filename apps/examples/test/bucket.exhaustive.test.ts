import { execFile, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { runBulk } from '@tp/bulk'
import { mailData, modelPath } from '@tp/models'
import { freePort } from 'queue-tests'
import { expect, test } from 'vitest'

/** Python with `moto[server]` of PyPI, which speaks S3; TP_PYTHON names another one than `python3`. */
const python = process.env.TP_PYTHON ?? 'python3'
const hasMoto = spawnSync(python, ['-c', 'import moto.server']).status === 0
const program = fileURLToPath(new URL('../node/bucket-labels.mjs', import.meta.url))

test.skipIf(!hasMoto)(
  'labels each object of a bucket once, next to it (requires moto[server] of PyPI)',
  { timeout: 300_000 },
  async () => {
    const port = await freePort()
    const server = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`], { stdio: 'ignore' })
    const folder = mkdtempSync(join(tmpdir(), 'tp-bucket-'))
    try {
      const env = {
        AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
      }
      Object.assign(process.env, env)
      await expect
        .poll(
          () =>
            fetch(env.AWS_ENDPOINT_URL_S3).then(
              () => true,
              () => false,
            ),
          { timeout: 60_000 },
        )
        .toBe(true)
      for (const name of ['model', 'config', 'tokenizer'] as const)
        copyFileSync(modelPath('mail', name), join(folder, name === 'model' ? 'model.onnx' : `${name}.json`))
      const client = new S3Client({ forcePathStyle: true })
      await client.send(new CreateBucketCommand({ Bucket: 'mails' }))
      const mails = mailData('test').slice(0, 9)
      const rowsOf = (from: number, to: number): string =>
        mails
          .slice(from, to)
          .map(({ text }) => `${JSON.stringify({ text })}\n`)
          .join('')
      const put = (key: string, from: number, to: number): Promise<unknown> =>
        client.send(new PutObjectCommand({ Bucket: 'mails', Key: key, Body: rowsOf(from, to) }))
      await put('new/a.jsonl', 0, 4)
      await put('new/b.jsonl', 4, 7)
      await put('old/c.jsonl', 7, 9)
      const run = async (): Promise<string> => {
        const args = [program, 's3://mails/new', join(folder, 'model.onnx')]
        return (await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })).stdout
      }
      expect(await run()).toBe('new/a.jsonl: 4 rows\nnew/b.jsonl: 3 rows\n')
      const found = await client.send(new GetObjectCommand({ Bucket: 'mails', Key: 'new/a.labels.jsonl' }))
      const answers = await (found.Body as { transformToString(): Promise<string> }).transformToString()
      writeFileSync(join(folder, 'a.jsonl'), rowsOf(0, 4))
      await runBulk({
        model: join(folder, 'model.onnx'),
        data: join(folder, 'a.jsonl'),
        out: join(folder, 'here.jsonl'),
      })
      expect(answers).toBe(readFileSync(join(folder, 'here.jsonl'), 'utf8'))
      expect(await run()).toBe('')
    } finally {
      server.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
