import { readFileSync, writeFileSync } from 'node:fs'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { startValkey } from 'queue-tests'
import { expect, test } from 'vitest'
import { type BulkProgress, runBulk, runWorker } from '../src/index.ts'
import { s3Store } from '../src/shards/s3-store.ts'
import { hasMoto, startMoto } from './moto.ts'
import { modelFolder, writeMails } from './small-models.ts'

const { path: folder, at } = modelFolder()
writeMails(at('mails.jsonl'), 40)

test('a place in a bucket has a bucket and a prefix', async () => {
  for (const url of ['s3://', 's3://bucket', 's3://bucket/', 's3://UPPER/x', 's3://../x'])
    await expect(s3Store(url)).rejects.toMatchObject({ code: 'TP_OPTION' })
})

test.skipIf(!hasMoto)(
  'shards in a bucket are those of a folder (requires moto[server] of PyPI)',
  { tags: 'exhaustive' },
  async () => {
    await using _ = await startMoto()
    const client = new S3Client({ forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const keys = async () =>
      ((await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))).Contents ?? []).map(({ Key }) => Key)

    const store = await s3Store('s3://bucket/a/b')
    await store.put('1', Buffer.from('first'))
    await store.put('1', Buffer.from('second'))
    expect([(await store.get('1')).toString(), await store.list('1'), await store.list('2')]).toEqual([
      'first',
      ['1'],
      [],
    ])
    for (let i = 0; i < 1005; i++) await store.put(`many-${i}`, Buffer.from(`${i}`))
    expect(new Set(await store.list()).size).toBe(1006)
    for (const name of await store.list()) await store.remove(name)
    await expect(store.get('1')).rejects.toMatchObject({ code: 'TP_STORAGE' })
    await expect((await s3Store('s3://none/x')).list()).rejects.toMatchObject({ code: 'TP_STORAGE' })

    const options = { model: at('model', 'model.onnx'), data: at('mails.jsonl'), shardRows: 5, threads: 1 }
    await runBulk({ ...options, out: at('folder.jsonl') })
    const shards = 's3://bucket/runs/one'
    const stop = new AbortController()
    const onProgress = ({ rows, total }: BulkProgress): void => {
      if (rows > total / 2) stop.abort(new Error('enough'))
    }
    const ended = runBulk({ ...options, shards, out: at('bucket.jsonl'), onProgress, signal: stop.signal })
    await expect(ended).rejects.toMatchObject({ code: 'TP_ABORTED' })
    const left = await keys()
    expect(left.length).toBeGreaterThan(1)
    expect(left.every((key) => /^runs\/one\/[0-9a-f]{64}\.jsonl$/.test(key ?? ''))).toBe(true)
    const again = Promise.resolve(runBulk({ ...options, shards, out: at('bucket.jsonl') }))
    await expect(again).rejects.toMatchObject({ code: 'TP_OUTPUT', message: expect.stringContaining('--resume') })
    const { resumed } = await runBulk({ ...options, shards, out: at('bucket.jsonl'), resume: true })
    expect(resumed).toBe(left.length)
    expect(readFileSync(at('bucket.jsonl')).equals(readFileSync(at('folder.jsonl')))).toBe(true)
    expect(await keys()).toEqual([])
  },
)

test.skipIf(!hasMoto)(
  'workers put shards into their own bucket, and no other (requires moto[server] of PyPI)',
  { tags: 'exhaustive' },
  async () => {
    await using _ = await startMoto()
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'bucket' }))
    await using valkey = await startValkey()
    const stop = new AbortController()
    const reasons: string[] = []
    const worker = runWorker({
      ...{ queue: valkey.url, folder, shards: 's3://bucket/runs', signal: stop.signal },
      onFailure: (reason) => reasons.push(reason),
    })
    const queue = { url: valkey.url, folder }
    writeFileSync(at('faulty.jsonl'), readFileSync(at('mails.jsonl'), 'utf8').replace(/"text":"/, '"text":null,"x":"'))
    const options = { model: at('model', 'model.onnx'), data: at('faulty.jsonl'), shardRows: 10, queue }
    const out = at('queue.jsonl')
    const shards = 's3://bucket/runs/two'
    await expect(runBulk({ ...options, out, shards })).rejects.toMatchObject({ code: 'TP_SHARDS' })
    writeFileSync(at('faulty.jsonl'), readFileSync(at('mails.jsonl')))
    expect(await runBulk({ ...options, out, shards, retry: true })).toMatchObject({ rows: 40, resumed: 3 })
    const elsewhere = new AbortController()
    const running = runBulk({ ...options, out: at('else.jsonl'), shards: 's3://bucket/else', signal: elsewhere.signal })
    const ended = expect(running).rejects.toMatchObject({ code: 'TP_ABORTED' })
    await expect.poll(() => reasons.at(-1), { timeout: 20_000 }).toMatch(/which this worker does not serve/)
    elsewhere.abort()
    await ended
    stop.abort()
    await worker
  },
)
