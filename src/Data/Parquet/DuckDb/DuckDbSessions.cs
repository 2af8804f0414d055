namespace GenoSeq.Data.Parquet.DuckDb;

/// <summary>
/// Keeps the last locked session for a moment, for the next reader of the same files: opening a database costs more than
/// most queries. It holds no data of files, and may read what it was opened for and nothing else.
/// </summary>
internal static class DuckDbSessions
{
    private static readonly TimeSpan s_keep = TimeSpan.FromSeconds(2);

    private static readonly Lock s_lock = new();
    private static readonly Timer s_timer = new(_ => Drop(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    private static (string Key, DuckDbSession Session)? s_idle;

    /// <summary>The kept session of this key, or null. It is the caller's now.</summary>
    internal static DuckDbSession? Take(string key)
    {
        lock (s_lock)
        {
            if (s_idle is not (string known, DuckDbSession session) || known != key)
            {
                return null;
            }

            s_idle = null;
            return session;
        }
    }

    /// <summary>Keeps a session, which must be locked, in place of the one before.</summary>
    internal static void Keep(string key, DuckDbSession session)
    {
        DuckDbSession? before;
        lock (s_lock)
        {
            before = s_idle?.Session;
            s_idle = (key, session);
            s_timer.Change(s_keep, Timeout.InfiniteTimeSpan);
        }

        before?.Dispose();
    }

    private static void Drop()
    {
        DuckDbSession? session;
        lock (s_lock)
        {
            session = s_idle?.Session;
            s_idle = null;
        }

        session?.Dispose();
    }
}
