// An OData server nobody here wrote, over the tables of schema.cds, kept in memory. Says `ready <port>`; its packages are
// those of the folder that is named first.
const { randomUUID } = require('node:crypto')
const { createRequire } = require('node:module')
const path = require('node:path')

const theirs = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'))
const cds = theirs('@sap/cds')
const express = createRequire(theirs.resolve('@sap/cds'))('express')

cds.env.requires.auth = { kind: 'dummy' }
cds.env.requires.db = {
  kind: 'sqlite',
  impl: theirs.resolve('@cap-js/sqlite'),
  driver: 'sql.js',
  credentials: { url: ':memory:' },
}

async function main() {
  const model = cds.linked(cds.compile.for.nodejs(await cds.load(path.join(__dirname, 'schema.cds'))))
  cds.model = model
  cds.db = await cds.connect.to('db')
  await cds.deploy(model).to(cds.db)
  const app = express()
  await cds.serve('all').from(model).in(app)
  cds.services.Dataverse.before(['CREATE', 'UPDATE'], 'accounts', request => {
    request.data.version = randomUUID() // what the ETag is made of
  })
  const listening = app.listen(0, '127.0.0.1', () => console.log(`ready ${listening.address().port}`))
}

main().catch(fault => {
  console.error(fault)
  process.exit(1)
})
