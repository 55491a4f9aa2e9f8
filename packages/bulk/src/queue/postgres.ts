import type { PgModule, PgPool } from 'bullmq'

/**
 * Opens a pool whose connections may end at any time. BullMQ's own has clients that nothing listens to while it prepares the
 * database, and the `error` event of such a client ends the process.
 * @param connectionTimeoutMillis for each of its connections
 * @throws an error of the server, or of Node; see `isRefusal`
 */
export async function openPool(url: string, connectionTimeoutMillis: number): Promise<PgPool> {
  const { DEFAULT_SCHEMA, quoteSchemaName, runMigrations } = await import('bullmq')
  // It has no types of its own.
  const { default: pg } = (await import('pg' as string)) as { readonly default: PgModule }
  const options = `-c search_path=${quoteSchemaName(DEFAULT_SCHEMA)}`
  const pool = new pg.Pool({ connectionString: url, options, keepAlive: true, connectionTimeoutMillis })
  // A failing query rejects to its caller, which tries again.
  const heard = (): void => undefined
  pool.on('error', heard)
  pool.on('connect', (client) => client.on('error', heard))
  try {
    const client = await pool.connect()
    try {
      await runMigrations(client, DEFAULT_SCHEMA)
    } finally {
      client.release()
    }
  } catch (error) {
    await pool.end()
    throw error
  }
  return pool
}
