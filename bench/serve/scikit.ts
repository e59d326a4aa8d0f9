import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/child';
import { pythonWith } from '../python';

const SERVER = `
import csv, sys, warnings
import numpy as np
from flask import Flask, jsonify, request
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings('ignore')
with open('rows.csv') as file:
    rows = list(csv.DictReader(file))
columns = [name for name in rows[0] if name != 'y']
x = np.array([[float(row[name]) for name in columns] for row in rows])
y = np.array([float(row['y']) for row in rows])
model = make_pipeline(StandardScaler(), MLPRegressor((64, 64), batch_size=32, max_iter=3, random_state=0)).fit(x, y)
app = Flask(__name__)
@app.post('/predict')
def predict():
    asked = request.get_json()['rows']
    return jsonify(predictions=model.predict(np.array([[row[name] for name in columns] for row in asked])).tolist())
@app.get('/')
def ready():
    return 'ready'
`;

/** Debian's Flask, scikit-learn and gunicorn, installed when they are missing; reads rows.csv in `folder`. */
export const startScikitServer = async (folder: string): Promise<{ url: string; stop(): Promise<void> }> => {
  pythonWith('sklearn', 'python3-sklearn');
  // One Python that has them all.
  pythonWith('sklearn, flask', 'python3-flask');
  const python = pythonWith('sklearn, flask, gunicorn', 'gunicorn');
  writeFileSync(join(folder, 'server.py'), SERVER);
  const port = await freePort();
  const server = spawn(
    python,
    [
      '-m',
      'gunicorn',
      '-w',
      '2',
      '-k',
      'gthread',
      '--threads',
      '16',
      '--keep-alive',
      '60',
      '-b',
      `127.0.0.1:${port}`,
      'server:app',
    ],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, OPENBLAS_NUM_THREADS: '1' },
    },
  );
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
  };
  const base = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const ready = await fetch(base).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) break;
    if (tries > 300) {
      await stop();
      throw new Error('the scikit-learn server did not come up');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url: `${base}/predict`, stop };
};
