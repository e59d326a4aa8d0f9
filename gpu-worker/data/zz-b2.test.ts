import { LocalIo, localSink, localSource } from '/work/main/gpu-worker/testing/local-io';
import { dataFile } from '/work/main/test/support/data';
import { runProfile, readSealed } from '/work/main/gpu-worker/data';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
const T: Record<string,string> = { california_housing:'median_house_value', german_credit:'default', adult_train:'income', insurance_charges:'charges', heart_cleveland:'num', breast_cancer_wdbc:'diagnosis', ai4i2020:'Machine failure', telco_churn:'Churn', concrete:'strength', energy_efficiency:'heating_load', bike_sharing_hour:'cnt', metro_interstate_traffic:'traffic_volume', nyc_taxis_sample:'fare', ETTh1:'OT', airline_passengers:'Passengers', sms_spam:'label', steel_plates_faults:'Bumps_Fault', cmapss_fd001_train:'cycle' };
for (const [name, target] of Object.entries(T)) {
  const path = dataFile(name+'.csv');
  it(name, async () => {
    const io = new LocalIo();
    try {
      const t0 = Date.now();
      const r = await runProfile({ kind:'profile', datasetVersionId:'x' as never, source: localSource(path as string), format:'csv', target, task:null, holdout:null, holdoutFraction:0.2, salt:'abc', sealed: localSink('s') }, io);
      const ms = Date.now()-t0;
      const p = join(io.scratchDir,'back.parquet'); writeFileSync(p, io.stored.get('s') as Buffer);
      const t1 = Date.now();
      const t = await readSealed(p, r.columns);
      const ms2 = Date.now()-t1;
      const out = [`== ${name} ${ms} ms, read ${ms2} ms; rows ${r.rows} held ${r.holdoutRows} ${r.task} ${JSON.stringify(r.holdout)} table ${t.rows}x${t.columns.length}`];
      r.profile.forEach((c,i)=>out.push(`  ${c.name}: ${c.type} miss ${c.missing} dist ${c.distinct} assoc ${c.targetAssociation?.toFixed(4)} ${JSON.stringify(r.columns[i]?.missing)} ${JSON.stringify(r.columns[i]?.number??r.columns[i]?.time??'')}`));
      r.warnings.forEach(w=>out.push(`  !! ${w.code} ${w.column}: ${w.message}`));
      require('fs').appendFileSync('/tmp/mm/b2/real.txt', out.join('\n')+'\n');
    } finally { io.dispose(); }
  }, 60000);
}
