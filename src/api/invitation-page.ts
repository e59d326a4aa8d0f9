import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/** The token stands behind «#», where it reaches this script and no server. */
const SCRIPT = `
  const form = document.querySelector('form');
  const said = document.querySelector('p');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    said.textContent = '...';
    const query = 'mutation ($token: String!, $name: String!, $password: String!) {' +
      ' acceptInvitation(token: $token, name: $name, password: $password) { email } }';
    const variables = { token: location.hash.slice(1), name: form.name.value, password: form.password.value };
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    said.textContent = errors ? errors[0].message : 'Welcome, ' + data.acceptInvitation.email + '. You can log in now.';
    if (!errors) form.remove();
  });
`;
const STYLE = `body { font: 16px sans-serif; max-width: 24rem; margin: 4rem auto; } input { display: block; width: 100%; margin: 0.3rem 0 1rem; padding: 0.4rem; box-sizing: border-box; }`;

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>modelmint: invitation</title>
    <style>${STYLE}</style>
  </head>
  <body>
    <h1>You are invited</h1>
    <form>
      <label>Your name <input name="name" required maxlength="200" autocomplete="name" /></label>
      <label>A password, 12 characters or more
        <input name="password" type="password" required minlength="12" maxlength="200" autocomplete="new-password" /></label>
      <button>Accept</button>
    </form>
    <p role="status"></p>
    <script>${SCRIPT}</script>
  </body>
</html>
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** GET /invitation: what an invitation's link opens. */
export const registerInvitationPage = (app: FastifyInstance): void => {
  app.get('/invitation', async (_request, reply) =>
    reply
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .type('text/html; charset=utf-8')
      .send(PAGE),
  );
};
