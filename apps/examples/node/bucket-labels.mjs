// Labels for a bucket: answers the texts of every .jsonl object below a prefix, and writes the answers next to it.
//   node bucket-labels.mjs s3://bucket/reviews pruned.onnx
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { runBulk } from '@tp/bulk'

const ANSWERS = '.labels.jsonl'

/**
 * Objects that have answers are left alone, so it can be called again after an interruption, and by the clock.
 * @param {{ place: string, model: string, client?: S3Client, onLabeled?: (key: string, rows: number) => void }} options
 *   `place`: `s3://bucket/prefix`; `model`: path of the ONNX file, next to its tokenizer.json and config.json
 * @returns how many objects were answered
 */
export async function labelBucket({ place, model, client = new S3Client({}), onLabeled = () => {} }) {
  const { hostname: Bucket, pathname } = new URL(place)
  const keys = new Set()
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: pathname.slice(1) }))
    for (const { Key } of Contents) keys.add(Key)
  const missing = [...keys].filter(
    (key) => key.endsWith('.jsonl') && !key.endsWith(ANSWERS) && !keys.has(answersOf(key)),
  )
  for (const key of missing) {
    const folder = await mkdtemp(join(tmpdir(), 'labels-'))
    try {
      const [data, out] = [join(folder, 'texts.jsonl'), join(folder, 'labels.jsonl')]
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }))
      await pipeline(Body, createWriteStream(data))
      const { rows } = await runBulk({ model, data, out })
      const { size: ContentLength } = await stat(out)
      await client.send(
        new PutObjectCommand({ Bucket, Key: answersOf(key), Body: createReadStream(out), ContentLength }),
      )
      onLabeled(key, rows)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return missing.length
}

function answersOf(key) {
  return key.replace(/\.jsonl$/, ANSWERS)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [place, model] = process.argv.slice(2)
  await labelBucket({ place, model, onLabeled: (key, rows) => console.log(`${key}: ${rows} rows`) })
}
