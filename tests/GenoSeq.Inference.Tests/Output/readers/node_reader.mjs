// Prints ids, places and numbers of a Parquet file (by hyparquet, or by DuckDB) or of an AnnData zarr folder (by zarrita), as JSON.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

const [modules, reader, file] = process.argv.slice(2)
const require = createRequire(path.join(modules, 'package.json'))
const load = file => import(pathToFileURL(path.join(modules, 'node_modules', file)).href)

const plain = (key, value) => typeof value === 'bigint' ? Number(value) : value
let out
if (reader === 'hyparquet') {
  const { asyncBufferFromFile, parquetReadObjects, parquetMetadataAsync } = await load('hyparquet/src/node.js')
  const { compressors } = await load('hyparquet-compressors/src/index.js')
  const buffer = await asyncBufferFromFile(file)
  const rows = await parquetReadObjects({ file: buffer, compressors })
  const metadata = Object.fromEntries((await parquetMetadataAsync(buffer)).key_value_metadata.map(p => [p.key, p.value]))
  out = fromRows(rows, metadata)
} else if (reader === 'duckdb') {
  const { DuckDBInstance } = require('@duckdb/node-api')
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const rows = (await connection.runAndReadAll(`SELECT * FROM '${file}'`)).getRowObjectsJS()
  const pairs = (await connection.runAndReadAll(`SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('${file}')`)).getRowObjectsJS()
  out = fromRows(rows, Object.fromEntries(pairs.map(p => [p.key, p.value])))
} else {
  const zarr = await load('zarrita/dist/src/index.js')
  const { default: FileSystemStore } = await load('@zarrita/storage/dist/src/fs.js')
  const root = zarr.root(new FileSystemStore(file))
  const group = await zarr.open(root, { kind: 'group' })
  if (group.attrs['encoding-type'] !== 'anndata') throw new Error(JSON.stringify(group.attrs))
  const read = async name => zarr.get(await zarr.open(root.resolve(name), { kind: 'array' }))
  const list = async name => [...(await read(name)).data]
  const x = await read('X')
  const embeddings = Array.from({ length: x.shape[0] }, (_, r) => [...x.data.subarray(r * x.shape[1], (r + 1) * x.shape[1])])
  const obs = await zarr.open(root.resolve('obs'), { kind: 'group' })
  if (String(obs.attrs['column-order']) !== 'id,contig,start,end,strand') throw new Error(JSON.stringify(obs.attrs))
  const text = async name => { const v = await read(name); return String(typeof v === 'object' && v.data ? [...v.data][0] : v) }
  out = {
    embeddings, ids: await list('obs/id'), contigs: await list('obs/contig'), starts: await list('obs/start'), ends: await list('obs/end'),
    strands: await list('obs/strand'), metadata: { pooling: await text('uns/genoseq/pooling') },
  }
}

function fromRows(rows, metadata) {
  const wide = rows[0].embedding === undefined
  return {
    embeddings: rows.map(r => wide ? Object.keys(r).filter(k => /^e\d+$/.test(k)).map(k => r[k]) : [...(r.embedding.items ?? r.embedding)]),
    ids: rows.map(r => r.id), contigs: rows.map(r => r.contig), starts: rows.map(r => r.start), ends: rows.map(r => r.end),
    strands: rows.map(r => r.strand),
    metadata: Object.fromEntries(Object.entries(metadata).filter(([k]) => k.startsWith('genoseq.')).map(([k, v]) => [k.slice(8), v])),
  }
}
process.stdout.write(JSON.stringify(out, plain))
