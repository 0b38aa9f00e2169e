import {
  endSession,
  explainDecision,
  keepRecording,
  loadSession,
  loadSessions,
  loadTimeline,
  loadViewers,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { sessions } = implementer;

export const sessionsRouter = sessions.router({
  list: sessions.list.handler(({ context, input }) => loadSessions(asCaller(context), input)),
  get: sessions.get.handler(({ context, input }) => loadSession(asCaller(context), input)),
  timeline: sessions.timeline.handler(({ context, input }) => loadTimeline(asCaller(context), input)),
  viewers: sessions.viewers.handler(({ context, input }) => loadViewers(asCaller(context), input)),
  keep: sessions.keep.handler(({ context, input }) => keepRecording(asCaller(context), input)),
  end: sessions.end.handler(({ context, input }) => endSession(asCaller(context), input)),
  explain: sessions.explain.handler(({ context, input }) => explainDecision(asCaller(context), input)),
});
