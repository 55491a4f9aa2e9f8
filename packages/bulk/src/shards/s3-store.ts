import type { S3Client } from '@aws-sdk/client-s3'
import { TpError } from '@tp/core'
import type { Store } from './store.ts'

/** Whether shards are to be in a bucket. */
export function isBucketUrl(url: string): boolean {
  return url.startsWith('s3://')
}

/** A client has connections, and a worker asks for its store with every shard. */
const stores = new Map<string, Promise<Store>>()

/**
 * Storage that speaks S3: a bucket, and what names in it begin with. Credentials, region and server are found as the command
 * line of AWS finds them (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, profiles, roles).
 * @param url `s3://bucket/prefix`
 * @throws TpError TP_OPTION for another URL; TP_STORAGE if @aws-sdk/client-s3 is not installed
 */
export function s3Store(url: string): Promise<Store> {
  const known = stores.get(url)
  if (known !== undefined) return known
  const opened = openBucket(url)
  stores.set(url, opened)
  opened.catch(() => stores.delete(url))
  return opened
}

async function openBucket(url: string): Promise<Store> {
  const [, bucket, path] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})\/(.*[^/])\/*$/.exec(url) ?? []
  if (bucket === undefined || path === undefined)
    throw new TpError(
      'TP_OPTION',
      'bulk',
      `${url} is not a folder in a bucket; give one such as s3://bucket/labels.shards`,
    )
  const { S3Client, ...commands } = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
    throw new TpError('TP_STORAGE', 'bulk', 'buckets take @aws-sdk/client-s3; install it', { cause })
  })
  // Servers of other makers have buckets in paths.
  const client: S3Client = new S3Client({ forcePathStyle: true })
  const own = (file: string) => ({ Bucket: bucket, Key: `${path}/${file}` })

  async function answered<T>(code: 'TP_STORAGE' | 'TP_WRITE', what: string, answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (cause) {
      throw new TpError(code, 'bulk', `${what}: ${(cause as Error).message}`, { cause })
    }
  }

  const list = async (beginning = ''): Promise<string[]> => {
    const files: string[] = []
    let token: string | undefined
    do {
      const request = { Bucket: bucket, Prefix: `${path}/${beginning}`, ContinuationToken: token }
      const page = await answered(
        'TP_STORAGE',
        `${url} cannot be read`,
        client.send(new commands.ListObjectsV2Command(request)),
      )
      for (const { Key = '' } of page.Contents ?? []) files.push(Key.slice(path.length + 1))
      token = page.NextContinuationToken
    } while (token !== undefined)
    return files
  }

  return {
    name: url,
    async prepare() {
      await list()
      return { [Symbol.asyncDispose]: async () => undefined }
    },
    list,
    async get(file) {
      const answer = client.send(new commands.GetObjectCommand(own(file)))
      const { Body } = await answered('TP_STORAGE', `${url}/${file} cannot be read`, answer)
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    },
    async put(file, bytes) {
      // Only if there is none: of two workers that put a shard there, one learns that it exists, and it is the same shard.
      const request = { ...own(file), Body: bytes, IfNoneMatch: '*' }
      const done = client.send(new commands.PutObjectCommand(request)).catch((error: unknown) => {
        if (statusOf(error) !== 412) throw error
      })
      await answered('TP_WRITE', `${url}/${file} was not written`, done)
    },
    remove: async (file) => void (await client.send(new commands.DeleteObjectCommand(own(file)))),
    async close() {
      stores.delete(url)
      client.destroy()
    },
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode
}
