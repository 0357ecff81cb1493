// Serves the built files, and every other path as a page rendered for it. PORT says where; 0 takes a free one.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { render } from './dist/server/entry-server.js';

const client = new URL('dist/client/', import.meta.url);
const template = await readFile(new URL('index.html', client), 'utf8');
const types = { '.js': 'text/javascript', '.map': 'application/json' };

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://server');
  const type = types[extname(pathname)];
  const file = type && (await readFile(new URL(`.${pathname}`, client)).catch(() => undefined));
  if (type && !file) return response.writeHead(404).end();
  response.setHeader('Content-Type', type ?? 'text/html');
  response.setHeader('Cache-Control', 'no-cache');
  response.end(file ?? template.replace('<!--app-->', render(pathname)));
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
