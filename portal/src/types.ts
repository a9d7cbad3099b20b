// What the API answers, as far as the pages use it.
export interface Page<T> {
  value: T[];
  nextLink: string | null;
}

export interface Me {
  id: string;
  name: string;
  roles: string[];
  isAdmin: boolean;
  isAuditor: boolean;
  /** Actions of the table in docs/access.md: here those of the tenant, in a group those of the group. */
  may: string[];
}

/** Whether an operator has stopped everything that sends or changes. */
export interface Stop {
  isStopped: boolean;
  since: string | null;
  reason: string | null;
}

export interface Template {
  name: string;
  text: string;
}

export interface Group {
  id: string;
  name: string;
  role: string;
  may: string[];
  apps: { appId: string | null; name: string; directLink: string | null }[];
  canInvite: boolean;
  reason: string | null;
  title: string | null;
  remedy: string | null;
  isSetUp: boolean;
  appId: string | null;
  requests: "closed" | "approval" | "open";
  requestPage: string | null;
  allowedDomains: string[];
  blockedDomains: string[];
  templates: Template[];
  messageLimit: number;
  sendsOwnMail: boolean;
  directLink: string | null;
}

export interface Guest {
  userId: string;
  name: string;
  address: string | null;
  redemption: "pending" | "accepted" | null;
  since: string | null;
  createdAt: string | null;
  enabled: boolean;
  lastSignInAt: string | null;
  expires: string | null;
}

export interface GuestPage extends Page<Guest> {
  lastSignIn: "known" | "unknown";
}

export interface Invitation {
  id: string;
  address: string;
  displayName: string | null;
  state: string;
  meaning: string;
  isFinal: boolean;
  reason: string | null;
  title: string | null;
  detail: string | null;
  remedy: string | null;
  directLink: string;
  welcomeMessage: string | null;
  userId: string | null;
  createdAt: string;
  updatedAt: string;
  sendAgain: boolean;
  importId: string | null;
  invitedBy: { id: string; name: string };
}

export interface Preview {
  rows: number;
  counts: Record<string, number>;
  first: Record<string, { line: number; address: string; what: string }[]>;
  notes: string[];
  pace: { said: string; estimatedSeconds: number | null };
}

export interface Import {
  id: string;
  fileName: string;
  state: string;
  rows: number;
  allRead: boolean;
  counts: Record<string, number>;
  reasons: Record<string, number>;
  done: number;
  guestsPerSecond: number | null;
  secondsLeft: number | null;
  waitsFor: string | null;
  createdAt: string;
  createdBy: { name: string };
  finishedAt: string | null;
  undoUntil: string | null;
  notes: string[];
}

export interface JoinRequest {
  id: string;
  address: string;
  displayName: string | null;
  reasonGiven: string | null;
  state: "pending" | "approved" | "declined" | "expired" | "failed";
  meaning: string;
  requestedAt: string;
  provenAt: string | null;
  expiresAt: string;
  decidedAt: string | null;
  decidedBy: { name: string } | null;
  note: string | null;
  title: string | null;
  detail: string | null;
  remedy: string | null;
}

export interface AppRecord {
  appId: string;
  name: string;
  groupId: string;
  groupName: string;
  owners: { id: string; name: string }[];
  policy: { requests: string; approvers: { name: string }[]; allowedDomains: string[]; blockedDomains: string[] };
  directLink: string;
  setupId: string;
  state: string;
}

export interface Check {
  check: string;
  state: string;
  title?: string;
  detail?: string;
  found?: string;
  remedy?: string | null;
  link?: string | null;
  command?: string | null;
}

export interface SetupStep {
  step: string;
  title: string;
  state: string;
  changes: { what: string }[];
  notes: string[];
  checks: Check[];
  manualTask: { title: string; instructions: string[]; link: string; values: { name: string; value: string }[] } | null;
  confirmedBy: { name: string; at: string; note: string | null } | null;
  reason: string | null;
  detail: string | null;
  remedy: string | null;
  titleOfReason: string | null;
}

export interface Setup {
  id: string;
  state: string;
  app: { appId: string | null; name: string | null; template: string | null };
  found: { app: { appId: string; name: string } | null; group: { id: string; name: string } | null };
  createdAt: string;
  createdBy: { name: string };
  steps?: SetupStep[];
}
